import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { has, projectDir, tokenize, type Token } from "./textmate";

/** Asserts the scopes of some words of a text; a word may be followed by `@n`, its n-th token (from 1). */
async function scopes(text: string, expected: Readonly<Record<string, string>>): Promise<void> {
  const tokens = await tokenize(text);
  for (const [key, scope] of Object.entries(expected)) {
    const [word = "", nth = "1"] = key.split("@");
    const token = tokens.filter((one) => one.text === word)[Number(nth) - 1];
    assert.ok(token, `no token ${key} in ${JSON.stringify(tokens.map((one) => one.text))}`);
    assert.ok(has(token, scope), `${key}: expected ${scope}, found ${token.scopes.join(" ")}`);
  }
}

function read(file: string): string {
  return fs.readFileSync(path.join(projectDir, file), "utf8");
}

function examples(): string[] {
  const dir = path.join(projectDir, "examples");
  return fs
    .readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".plan") && !file.includes(".dslc"))
    .map((file) => path.join(dir, file));
}

test("a header has a keyword, a name, a title and attributes", () =>
  scopes('task collect "Collect {{ params.x }}" kind:research using:web.search # why', {
    task: "storage.type",
    collect: "entity.name.function",
    "Collect": "string.quoted.double",
    params: "variable.language",
    kind: "keyword.other.clause",
    research: "constant.other.symbol",
    "web.search": "constant.other.symbol",
    "#": "comment.line.number-sign",
  }));

test("keywords are contextual: a field named like a declaration or a clause is a field", () =>
  scopes("capability x.y\n  input:\n    task: string(10..2000)\n    version: int = 3\n  cost: $0.20 per call", {
    capability: "storage.type",
    input: "keyword.other.clause",
    task: "variable.other.property",
    version: "variable.other.property",
    string: "support.type.primitive",
    cost: "keyword.other.clause",
    "$0.20": "constant.numeric.money",
    per: "keyword.other.soft",
  }));

test("numbers carry their units, and an unknown unit stands out", () =>
  scopes("plan p\n  timeout: 5m\n  confidence: 80%\n  version: 1.2.0\n  cache: 5parsecs\n  prior: 1_000\n  dir: debug-500", {
    "5": "constant.numeric.quantity",
    m: "keyword.other.unit",
    "80": "constant.numeric.ratio",
    "1.2.0": "constant.numeric.version",
    parsecs: "invalid.illegal.unit",
    "1_000": "constant.numeric.integer",
    "debug-500": "variable.other",
  }));

test("principals are one thing", () =>
  scopes("gate g\n  approver: role/release\n  checks:\n    - x == team/sre", {
    role: "constant.other.principal",
    release: "constant.other.principal",
    sre: "constant.other.principal",
  }));

test("needs, joins and routes name nodes", () =>
  scopes("task t\n  needs: a, b?, any(c, d), 2 of (e, f)\n  on rate-limited -> g\n  when x > 3 -> h\n  else -> i", {
    a: "entity.name.function",
    "?": "keyword.operator.optional",
    any: "keyword.other.join",
    of: "keyword.other.join",
    on: "keyword.control.clause",
    "->": "keyword.operator.arrow",
    g: "entity.name.function",
    h: "entity.name.function",
    else: "keyword.control.clause",
    i: "entity.name.function",
  }));

test("types: refinements, enumerations and options", () =>
  scopes("type Depth = shallow | moderate\ntype S\n  title: string(/^[a-z]+$/)?\n  links: list[url](5..)\n  pool: Pool", {
    Depth: "entity.name",
    shallow: "variable.other.enummember",
    moderate: "variable.other.enummember",
    "|": "keyword.operator.type",
    title: "variable.other.property",
    "/": "string.regexp",
    list: "support.type.primitive",
    Pool: "entity.name.type",
  }));

test("strings: escapes, literal braces, nested quotes in interpolations", () =>
  scopes('task t\n  description: "a\\n \\{{ b }} {{ join(xs, ", ") }} \\q"\n  timeout: 1s', {
    "\\n": "constant.character.escape",
    "\\{": "constant.character.escape",
    "{{": "punctuation.section.interpolation.begin",
    join: "support.function.builtin",
    "}}": "punctuation.section.interpolation.end",
    "\\q": "invalid.illegal.escape",
    timeout: "keyword.other.clause",
  }));

const SCRIPT = `task t
  run: |
    echo "{{ params.q }}" '{{.ID}}' # {{ x }}

    awk {{ size | bytes }}
  # a comment of the plan
  timeout: 5m
`;

test("a script is a shell's until the first line that is not deeper", async () => {
  const tokens = await tokenize(SCRIPT);
  const shell = (token: Token) => has(token, "meta.embedded.block.shell.plan");
  assert.deepEqual([...new Set(tokens.filter(shell).map((token) => token.line))], [2, 4]);
  const comment = tokens.find((token) => token.line === 5);
  assert.ok(comment && has(comment, "comment.line.number-sign.plan"));
});

test("interpolations in scripts stand out in double quotes and bare, not in single quotes or comments", async () => {
  const tokens = await tokenize(SCRIPT);
  const inside = tokens.filter((token) => has(token, "meta.embedded.interpolation")).map((token) => token.text);
  assert.deepEqual(inside, ["{{", "params", ".", "q", "}}", "{{", "size", "|", "bytes", "}}"]);
});

test("a script in Python is Python's, and has no interpolations", async () => {
  for (const text of [
    "task t using:python\n  run: |\n    import json {{ x }}\n  timeout: 5m",
    "task t\n  using: python\n  run: |\n    import json {{ x }}\n  timeout: 5m",
  ]) {
    const tokens = await tokenize(text);
    const imports = tokens.find((token) => token.text === "import");
    assert.ok(imports && has(imports, "meta.embedded.block.python.plan") && has(imports, "keyword.control.python"));
    assert.ok(!tokens.some((token) => has(token, "meta.embedded.interpolation")));
    const timeout = tokens.find((token) => token.text === "timeout");
    assert.ok(timeout && has(timeout, "keyword.other.clause") && !has(timeout, "meta.embedded.block.python"));
  }
});

test("documentation and suppressions differ from comments", () =>
  scopes("## What it is\n# allow(missing-timeout): on purpose\ntask t", {
    "##": "comment.line.documentation",
    "missing-timeout": "entity.name.tag.rule",
  }));

test("tests and policies: mocks, decisions of people, selectors", () =>
  scopes(
    'test "t" of p\n  mock web.fetch fails timeout times 2, then { body: "ok" }\n  approve g as role/x after 2h\npolicy q\n  rule r "R"\n    for: task where kind == deploy\n    require: after(task where kind == test)',
    {
      of: "keyword.other.of",
      mock: "keyword.control.clause",
      fails: "keyword.other.soft",
      times: "keyword.other.soft",
      then: "keyword.other.soft",
      approve: "keyword.control.clause",
      as: "keyword.other.soft",
      rule: "keyword.control.clause",
      where: "keyword.other.soft",
      "after@2": "support.function.predicate",
    },
  ));

test("every clause word and declaration keyword of the compiler's table is known", async () => {
  const table = read("crates/dsl-syntax/src/table.rs");
  const keys = /keys! \{([^}]*)\}/.exec(table)?.[1] ?? "";
  const words = [...keys.matchAll(/"([a-z]+)"/g)].map((match) => match[1] ?? "");
  assert.ok(words.length > 70, "the table of clauses was not found");
  for (const word of words) {
    const forms = [`task t\n  ${word}: x`, `decision d\n  ${word} x -> y`, `decision d\n  ${word} -> y`];
    const isKeyword = await Promise.all(
      forms.map(async (form) => {
        const token = (await tokenize(form)).find((one) => one.line === 1);
        return token?.text === word && (has(token, "keyword.other.clause") || has(token, "keyword.control.clause"));
      }),
    );
    assert.ok(isKeyword.includes(true), `the grammar does not know the clause ${word}`);
  }
  const keywords = [...table.matchAll(/Self::\w+ => "([a-z]+)",/g)].map((match) => match[1] ?? "");
  assert.ok(keywords.length >= 11, "the table of declarations was not found");
  for (const keyword of keywords) {
    const token = (await tokenize(`${keyword} x "X"`))[0];
    assert.ok(token && has(token, "storage.type"), `the grammar does not know the declaration ${keyword}`);
  }
});

test("every function of the language is known", async () => {
  const table = /funcs! \{([^]*?)\n\}/.exec(read("crates/ir/src/func.rs"))?.[1] ?? "";
  const names = [...table.matchAll(/^\s*\w+ "(\w+)"/gm)].map((match) => match[1] ?? "");
  assert.ok(names.length > 40, "the table of functions was not found");
  for (const name of names) {
    const token = (await tokenize(`task t\n  when: ${name}(x)`)).find((one) => one.text === name);
    assert.ok(token && has(token, "support.function.builtin"), `the grammar does not know the function ${name}`);
  }
});

test("in the examples every word has a scope of its own and nothing is marked wrong", async () => {
  const files = examples();
  assert.ok(files.length >= 8);
  for (const file of files) {
    for (const token of await tokenize(fs.readFileSync(file, "utf8"))) {
      const where = `${path.basename(file)}:${token.line + 1}: ${token.text}`;
      assert.ok(!has(token, "invalid"), where);
      assert.ok(
        token.scopes.some((scope) => scope !== "source.plan" && !scope.startsWith("meta.declaration")),
        `${where} has no scope`,
      );
    }
  }
});

/** What the compiler sees in the examples: file, line, column, word, role (`tests/grammar/words.rs` writes it). */
type Word = readonly [file: string, line: number, column: number, word: string, role: "declaration" | "clause" | "field"];

const SCOPES = {
  declaration: ["storage.type", "keyword.control.import"],
  clause: ["keyword.other.clause", "keyword.control.clause"],
  field: ["variable.other.property", "entity.name", "keyword.other.clause"],
} as const;

test("keywords and keys of the examples stand where the compiler sees them, and nowhere else", async () => {
  const words = JSON.parse(read("editors/vscode/test/words.json")) as readonly Word[];
  const wrong: string[] = [];
  for (const file of new Set(words.map(([name]) => name))) {
    const tokens = await tokenize(read(file));
    const own = words.filter(([name]) => name === file);
    for (const [, line, column, word, role] of own) {
      const token = tokens.find((one) => one.line === line && one.column === column);
      const fits = token !== undefined && word.startsWith(token.text) && SCOPES[role].some((scope) => has(token, scope));
      if (!fits) wrong.push(`${file}:${line + 1}: ${role} ${word}: ${token?.text} ${token?.scopes.join(" ")}`);
    }
    const known = new Set(own.map(([, line, column]) => `${line}:${column}`));
    for (const token of tokens.filter((one) => SCOPES.clause.some((scope) => has(one, scope)) || has(one, "storage.type"))) {
      // Written like an attribute, but a part of its line: `scope:run`, `severity:high`.
      const part = token.text === "scope" || token.text === "severity";
      if (!part && !known.has(`${token.line}:${token.column}`)) {
        wrong.push(`${file}:${token.line + 1}: ${token.text} is no key to the compiler: ${token.scopes.join(" ")}`);
      }
    }
  }
  assert.ok(words.length > 300);
  assert.deepEqual(wrong, []);
});
