-- Opens the plan in $PLAN with plan.lua and looks at what the server says about it. Exits with 1 if something is missing.

local WAIT_MS = 60000

local function finish(problem)
  io.stderr:write((problem and ("not ok: " .. problem) or "ok: Neovim shows diagnostics, hover, definition, completion, outline and colours, repairs and renames") .. "\n")
  vim.cmd(problem and "cquit 1" or "qall!")
end

local function request(method, params)
  local answers = vim.lsp.buf_request_sync(0, method, params, WAIT_MS)
  for _, answer in pairs(answers or {}) do
    if answer.result then
      return answer.result
    end
  end
  return nil
end

-- Puts the cursor on the n-th character of the first line that holds `text`, and gives the position.
local function at(text)
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  if vim.fn.search("\\V" .. text, "cW") == 0 then
    finish("the example has no `" .. text .. "`")
  end
  return vim.lsp.util.make_position_params()
end

local function expect_diagnostic()
  local found = vim.wait(WAIT_MS, function()
    return #vim.diagnostic.get(0) > 0
  end, 20)
  if not found then
    return "no diagnostic came"
  end
  for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
    if diagnostic.message:find("`scop`", 1, true) and diagnostic.source == "dslc" then
      return nil
    end
  end
  return "the diagnostics do not name `scop`: " .. vim.inspect(vim.diagnostic.get(0))
end

local function expect_hover()
  local hover = request("textDocument/hover", at("needs:"))
  local text = hover and hover.contents and hover.contents.value or ""
  if not text:find("must be completed first", 1, true) then
    return "hover on `needs` says: " .. vim.inspect(hover)
  end
end

local function expect_definition()
  local position = at([[collect\n]])
  local target = request("textDocument/definition", position)
  local link = target and (target[1] or target)
  local range = link and (link.range or link.targetSelectionRange)
  if not range or range.start.line == position.position.line then
    return "no definition of `collect`: " .. vim.inspect(target)
  end
end

local function expect_outline()
  local symbols = request("textDocument/documentSymbol", { textDocument = vim.lsp.util.make_text_document_params() })
  if not symbols or #symbols == 0 then
    return "the outline is empty"
  end
end

local function lines()
  return vim.api.nvim_buf_get_lines(0, 0, -1, false)
end

local function labels(answer)
  local found = {}
  for _, item in ipairs(answer and (answer.items or answer) or {}) do
    found[item.label] = true
  end
  return found
end

-- Types a need and asks what may stand there; takes back what was typed.
local function expect_completion()
  local before = lines()
  at("task broaden")
  local row = vim.api.nvim_win_get_cursor(0)[1]
  local typed = "  needs: sc"
  vim.api.nvim_buf_set_lines(0, row, row, false, { typed })
  local params = vim.lsp.util.make_position_params()
  params.position = { line = row, character = #typed }
  local found = labels(request("textDocument/completion", params))
  vim.api.nvim_buf_set_lines(0, 0, -1, false, before)
  if not found.scope then
    return "completion after `needs:` does not offer `scope`: " .. vim.inspect(found)
  end
  if found.broaden then
    return "completion after `needs:` offers the task itself"
  end
end

-- Applies an edit of the workspace as Neovim does it for a person.
local function apply(edit)
  vim.lsp.util.apply_workspace_edit(edit, "utf-16")
end

local function expect_code_action()
  local params = at("scop\\n")
  local line = params.position.line
  local range = { start = params.position, ["end"] = params.position }
  local actions = request("textDocument/codeAction", {
    textDocument = params.textDocument,
    range = range,
    context = { diagnostics = {} },
  })
  for _, action in ipairs(actions or {}) do
    if action.kind == "quickfix" and action.diagnostics then
      apply(action.edit)
      if lines()[line + 1] ~= "  needs: scope" then
        return "the repair makes " .. vim.inspect(lines()[line + 1])
      end
      return nil
    end
  end
  return "no quick fix for `scop`: " .. vim.inspect(actions)
end

local function expect_rename()
  local params = at("collect \"")
  params.newName = "gather"
  local edit = request("textDocument/rename", params)
  if not edit then
    return "`collect` is not renamed"
  end
  apply(edit)
  local text = table.concat(lines(), "\n")
  if text:find("collect", 1, true) or not text:find("needs: scope gather", 1, true) then
    return "after renaming the plan is " .. text
  end
end

-- What the grammar calls the place of `text`, by the queries that Neovim has read.
local function capture(text)
  local position = at(text).position
  local parser = vim.treesitter.get_parser(0, "plan")
  local root = parser:parse()[1]:root()
  local get = vim.treesitter.query and vim.treesitter.query.get or vim.treesitter.get_query
  local query = get("plan", "highlights")
  local found
  for id, node in query:iter_captures(root, 0, position.line, position.line + 1) do
    local row, column = node:start()
    if row == position.line and column == position.character then
      found = query.captures[id]
    end
  end
  return found
end

local function expect_colours()
  if not vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] then
    return "no colours are on"
  end
  for text, expected in pairs({ ["task"] = "keyword", ["needs:"] = "property", ["failure ->"] = "label", ['"Define'] = "string" }) do
    local found = capture(text)
    if found ~= expected then
      return "the colour of " .. text .. " is " .. tostring(found) .. ", not " .. expected
    end
  end
  for _, query in ipairs({ "injections", "locals", "folds" }) do
    local get = vim.treesitter.query and vim.treesitter.query.get or vim.treesitter.get_query
    if not get("plan", query) then
      return "no query " .. query
    end
  end
end

local ok, problem = pcall(function()
  vim.opt.runtimepath:append(os.getenv("RUNTIME"))
  vim.g.dslc_path = os.getenv("DSLC")
  dofile(os.getenv("PLAN_LUA"))
  vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("PLAN")))
  return expect_diagnostic()
    or expect_hover()
    or expect_definition()
    or expect_outline()
    or expect_colours()
    or expect_completion()
    or expect_code_action()
    or expect_rename()
end)
finish(not ok and tostring(problem) or problem)
