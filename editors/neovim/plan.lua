-- The plan language in Neovim (0.7 or later): the file type, and `dslc lsp` for it.

local function root_of(file)
  local config = vim.fn.findfile("dslc.toml", vim.fn.fnamemodify(file, ":p:h") .. ";")
  local anchor = config ~= "" and config or file
  return vim.fn.fnamemodify(anchor, ":p:h")
end

local function keys(buffer)
  local function map(lhs, rhs)
    vim.api.nvim_buf_set_keymap(buffer, "n", lhs, "<cmd>lua " .. rhs .. "<cr>", { noremap = true, silent = true })
  end
  map("K", "vim.lsp.buf.hover()")
  map("gd", "vim.lsp.buf.definition()")
end

-- One server for each workspace root.
local clients = {}

local function attach(buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  local root = root_of(file)
  if not clients[root] or vim.lsp.client_is_stopped(clients[root]) then
    clients[root] = vim.lsp.start_client({
      name = "dslc",
      cmd = { vim.g.dslc_path or "dslc", "lsp" },
      root_dir = root,
      workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    })
  end
  if clients[root] then
    vim.lsp.buf_attach_client(buffer, clients[root])
    keys(buffer)
  end
end

-- Colours, if a parser for the language is on the runtime path (docs/editors.md says how it gets there).
local function colour(buffer)
  if #vim.api.nvim_get_runtime_file("parser/plan.so", false) > 0 then
    pcall(function()
      vim.treesitter.highlighter.new(vim.treesitter.get_parser(buffer, "plan"))
    end)
  end
end

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  pattern = "*.plan",
  callback = function(event)
    vim.bo[event.buf].filetype = "plan"
    vim.bo[event.buf].commentstring = "# %s"
    vim.bo[event.buf].shiftwidth = 2
    vim.bo[event.buf].expandtab = true
    colour(event.buf)
    attach(event.buf)
  end,
})
