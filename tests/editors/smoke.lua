-- Neovim's own client and `dslc lsp`: a broken plan must show its diagnostic, and hover must answer.
-- Run by `cargo xtask test --all` as `nvim --headless -u NONE -c "luafile tests/editors/smoke.lua"`, with $DSLC set.

local function finish(message)
  io.stderr:write((message or "ok") .. "\n")
  vim.cmd(message and "cquit 1" or "qall!")
end

local folder = vim.fn.tempname()
vim.fn.mkdir(folder, "p")
local file = folder .. "/smoke.plan"
vim.fn.writefile({ "task build", '  run: "true"', "", "task ship", "  needs: biuld", '  run: "true"' }, file)
vim.cmd("edit " .. vim.fn.fnameescape(file))

local config = { name = "dslc", cmd = { vim.env.DSLC, "lsp" }, root_dir = folder }
if vim.lsp.start then
  vim.lsp.start(config)
else
  vim.lsp.buf_attach_client(0, vim.lsp.start_client(config))
end

local function shown()
  for _, found in ipairs(vim.diagnostic.get(0)) do
    if found.code == "unresolved-name" and found.lnum == 4 then
      return true
    end
  end
  return false
end

if not vim.wait(20000, shown, 50) then
  return finish("no `unresolved-name` on line 5; got " .. vim.inspect(vim.diagnostic.get(0)))
end

local params = { textDocument = { uri = vim.uri_from_fname(file) }, position = { line = 0, character = 6 } }
local answers = vim.lsp.buf_request_sync(0, "textDocument/hover", params, 20000)
local answer = answers and select(2, next(answers))
if not (answer and answer.result) then
  return finish("no hover on `build`: " .. vim.inspect(answers))
end

finish(nil)
