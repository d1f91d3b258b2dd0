import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { extensionDir, projectDir } from "./textmate";

interface Manifest {
  version: string;
  icon: string;
  main: string;
  contributes: {
    languages: { id: string; extensions: string[]; configuration: string }[];
    grammars: { language: string; scopeName: string; path: string; embeddedLanguages: Record<string, string> }[];
    semanticTokenScopes: { language: string; scopes: Record<string, string[]> }[];
    snippets: { language: string; path: string }[];
    commands: { command: string }[];
    menus: Record<string, { command: string }[]>;
    walkthroughs: { steps: { description: string; media: { markdown: string } }[] }[];
    configuration: { properties: Record<string, unknown> };
  };
}

interface LanguageConfiguration {
  wordPattern: string;
  indentationRules: { increaseIndentPattern: string; decreaseIndentPattern: string };
  onEnterRules: { beforeText: string }[];
}

function json<T>(file: string): T {
  return JSON.parse(fs.readFileSync(path.join(extensionDir, file), "utf8")) as T;
}

const manifest = json<Manifest>("package.json");
const configuration = json<LanguageConfiguration>("language-configuration.json");

test("every file that the manifest names is there and is packaged", () => {
  const packaged = fs.readFileSync(path.join(extensionDir, ".vscodeignore"), "utf8").split("\n");
  const { languages, grammars, snippets } = manifest.contributes;
  const files = [manifest.icon, ...languages.map((one) => one.configuration), ...[...grammars, ...snippets].map((one) => one.path)];
  for (const file of files.map((one) => path.posix.normalize(one))) {
    assert.ok(fs.existsSync(path.join(extensionDir, file)), `${file} is missing`);
    assert.ok(packaged.includes(`!${file}`), `${file} is not packaged`);
  }
  assert.ok(packaged.includes(`!${path.posix.normalize(manifest.main)}`));
  for (const file of ["dist/graph.js", "media/graph.css", "media/walkthrough/*.md"]) {
    assert.ok(packaged.includes(`!${file}`), `${file} is not packaged`);
  }
});

test("menus and walkthroughs name commands that there are", () => {
  const known = new Set(manifest.contributes.commands.map(({ command }) => command));
  const { menus, walkthroughs } = manifest.contributes;
  const named = Object.values(menus).flatMap((items) => items.map(({ command }) => command));
  const linked = [...JSON.stringify(walkthroughs).matchAll(/command:(dslc\.[\w.]+)/g)].map((match) => match[1] ?? "");
  for (const command of [...named, ...linked]) {
    assert.ok(known.has(command), `${command} is not a command`);
  }
  for (const step of walkthroughs.flatMap(({ steps }) => steps)) {
    assert.ok(fs.existsSync(path.join(extensionDir, step.media.markdown)), `${step.media.markdown} is missing`);
  }
});

test("language, grammar and snippets speak of the same language", () => {
  const [language] = manifest.contributes.languages;
  assert.deepEqual(language?.extensions, [".plan"]);
  const grammar = json<{ scopeName: string }>(manifest.contributes.grammars[0]?.path ?? "");
  assert.equal(grammar.scopeName, manifest.contributes.grammars[0]?.scopeName);
  for (const part of [...manifest.contributes.grammars, ...manifest.contributes.snippets]) {
    assert.equal(part.language, language?.id);
  }
});

test("embedded languages name scopes that the grammar makes", () => {
  const grammar = fs.readFileSync(path.join(extensionDir, "syntaxes/plan.tmLanguage.json"), "utf8");
  for (const scope of Object.keys(manifest.contributes.grammars[0]?.embeddedLanguages ?? {})) {
    assert.ok(grammar.includes(`"${scope}"`), `${scope} is not in the grammar`);
  }
});

test("what the server says of a keyword or key has the colour that it had before", () => {
  const grammar = fs.readFileSync(path.join(extensionDir, "syntaxes/plan.tmLanguage.json"), "utf8");
  const [mapped] = manifest.contributes.semanticTokenScopes;
  assert.deepEqual(Object.keys(mapped?.scopes ?? {}), ["keyword", "property.defaultLibrary"]);
  for (const scope of Object.values(mapped?.scopes ?? {}).flat()) {
    assert.ok(grammar.includes(`"${scope}"`), `${scope} is not in the grammar`);
  }
});

test("commands and settings of the manifest are the ones that the code uses", () => {
  const source = path.join(extensionDir, "src");
  const files = fs.readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  const code = files.map((file) => fs.readFileSync(path.join(source, file), "utf8")).join("\n");
  const registered = [...code.matchAll(/registerCommand\("([^"]+)"/g)].map((match) => match[1]);
  assert.deepEqual(registered.sort(), manifest.contributes.commands.map((one) => one.command).sort());
  assert.ok(code.includes('get<string>("path"'));
  assert.ok("dslc.path" in manifest.contributes.configuration.properties);
});

test("the extension has the toolchain's version", () => {
  const workspace = fs.readFileSync(path.join(projectDir, "Cargo.toml"), "utf8");
  assert.equal(/^version = "([^"]+)"/m.exec(workspace)?.[1], manifest.version);
});

test("a word is a name with its hyphens", () => {
  const word = new RegExp(configuration.wordPattern, "g");
  assert.deepEqual("needs: check-db, x->y a - b".match(word), ["needs", "check-db", "x", "y", "a", "b"]);
});

test("a line that opens a block indents the next one, others do not", () => {
  const increase = new RegExp(configuration.indentationRules.increaseIndentPattern);
  for (const line of ['task a "A"', "  input:", "    run: |", "  run: | # why", "type Source", "    rule tested", 'test "x" of p']) {
    assert.ok(increase.test(line), `no indentation after ${line}`);
  }
  for (const line of ["  needs: a", "type A = b | c", "  on failure -> x", "  - item", "task: string", "# note:  x"]) {
    assert.ok(!increase.test(line), `indentation after ${line}`);
  }
});

test("rules for the enter key are regular expressions", () => {
  for (const rule of configuration.onEnterRules) {
    assert.doesNotThrow(() => new RegExp(rule.beforeText));
  }
});

test("snippets have a prefix, a description and a body", () => {
  const snippets = json<Record<string, { prefix: string; description: string; body: string[] }>>("snippets/plan.json");
  const prefixes = Object.values(snippets).map((snippet) => snippet.prefix);
  assert.equal(new Set(prefixes).size, prefixes.length, "two snippets share a prefix");
  for (const [name, snippet] of Object.entries(snippets)) {
    assert.ok(snippet.prefix && snippet.description && snippet.body.length > 0, name);
  }
});

test("the lock file names no registry", () => {
  const lock = fs.readFileSync(path.join(extensionDir, "package-lock.json"), "utf8");
  assert.ok(!/"resolved"|https?:\/\/registry/.test(lock));
});
