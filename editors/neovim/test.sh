#!/bin/sh
# The language server inside Neovim, without a screen. DSLC is the program; exits with 0 if all is well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${DSLC:?set DSLC to the dslc program}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The plan's first `needs: scope` gets a typing mistake.
sed '0,/needs: scope/s//needs: scop/' "$here/../../examples/sketch.plan" >"$work/sketch.plan"
# The parser and its queries, as docs/editors.md says.
grammar=$here/../../grammar/tree-sitter-plan
mkdir -p "$work/config/parser" "$work/config/queries"
cc -O1 -shared -fPIC -I "$grammar/src" "$grammar"/src/*.c -o "$work/config/parser/plan.so"
cp -r "$grammar/queries" "$work/config/queries/plan"
RUNTIME=$work/config DSLC=$DSLC PLAN=$work/sketch.plan PLAN_LUA=$here/plan.lua XDG_STATE_HOME=$work XDG_CACHE_HOME=$work \
  timeout 300 nvim --headless -u NONE -i NONE -n -c "luafile $here/test.lua"
