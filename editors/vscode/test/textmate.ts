// Tokenizes text with the extension's grammar, the way the editor does it.

import * as fs from "node:fs";
import * as path from "node:path";
import * as oniguruma from "vscode-oniguruma";
import * as textmate from "vscode-textmate";

export const extensionDir = process.cwd();
export const projectDir = path.resolve(extensionDir, "../..");
export const grammarFile = path.join(extensionDir, "syntaxes/plan.tmLanguage.json");

/** Just enough of a shell's grammar to see how ours stands beside it. */
const SHELL: textmate.IRawGrammar = textmate.parseRawGrammar(
  JSON.stringify({
    scopeName: "source.shell",
    patterns: [
      { name: "comment.line.number-sign.shell", match: "(?<=^|\\s)#.*$" },
      { name: "string.quoted.single.shell", begin: "'", end: "'" },
      { name: "string.quoted.double.shell", begin: '"', end: '"' },
      { name: "support.function.builtin.shell", match: "\\becho\\b" },
    ],
  }),
  "shell.json",
);

const PYTHON: textmate.IRawGrammar = textmate.parseRawGrammar(
  JSON.stringify({ scopeName: "source.python", patterns: [{ name: "keyword.control.python", match: "\\bimport\\b" }] }),
  "python.json",
);

export interface Token {
  readonly text: string;
  readonly line: number;
  /** Of the token's first character that is no white space. */
  readonly column: number;
  readonly scopes: readonly string[];
}

let grammar: Promise<textmate.IGrammar> | undefined;

function load(): Promise<textmate.IGrammar> {
  grammar ??= (async () => {
    const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
    await oniguruma.loadWASM(wasm);
    const registry = new textmate.Registry({
      onigLib: Promise.resolve({
        createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
        createOnigString: (text) => new oniguruma.OnigString(text),
      }),
      loadGrammar: async (scope) => {
        switch (scope) {
          case "source.plan":
            return textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile);
          case "source.shell":
            return SHELL;
          case "source.python":
            return PYTHON;
          default:
            return null;
        }
      },
    });
    const loaded = await registry.loadGrammar("source.plan");
    if (loaded === null) {
      throw new Error("the grammar did not load");
    }
    return loaded;
  })();
  return grammar;
}

/** The tokens of a text that are not white space. */
export async function tokenize(text: string): Promise<Token[]> {
  const plan = await load();
  const tokens: Token[] = [];
  let stack = textmate.INITIAL;
  text.split("\n").forEach((line, index) => {
    const result = plan.tokenizeLine(line, stack);
    stack = result.ruleStack;
    for (const token of result.tokens) {
      const word = line.slice(token.startIndex, token.endIndex);
      if (word.trim() !== "") {
        const column = token.startIndex + word.length - word.trimStart().length;
        tokens.push({ text: word.trim(), line: index, column, scopes: token.scopes });
      }
    }
  });
  return tokens;
}

/** Whether a scope, or one that starts with it and a dot, is among those of a token. */
export function has(token: Token, scope: string): boolean {
  return token.scopes.some((one) => one === scope || one.startsWith(`${scope}.`));
}
