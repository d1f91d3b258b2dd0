// What a person does with the extension, from a mistake to a finished run and back to an empty file. Each step ends with a look.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { placeOf } from "./workbench.mjs";

const PLAN = "release.plan";
const AUDIT = "repo-audit.plan";
const REASON = "the audit is clean";
/** A click that starts a run shows late on a loaded machine, and twice would be two runs. */
const STARTS_MS = 60_000;

export const STEPS = [
  ["a mistake is underlined", mistake],
  ["a quick fix repairs it", quickFix],
  ["completion is offered and taken", completion],
  ["hover tells what a name means", hover],
  ["rename changes every use", rename],
  ["the graph follows the cursor, and the cursor the graph", graph],
  ["a plan is run, and its state shown as it goes", run],
  ["a gate is approved with a reason", approve],
  ["what stands above a task is clicked", lenses],
  ["a run is cancelled, and nobody complains", cancel],
  ["tests are listed and run", tests],
  ["a plan is written from nothing and run", fromNothing],
  ["a question is answered with a reason", answer],
  ["the server is named, and starts again", server],
  ["a server of another version is said to be one", otherVersion],
  ["a walk through is offered", walkthrough],
  ["a picture for the front page", frontPage],
];

async function mistake(vscode) {
  await vscode.openFile(PLAN);
  await vscode.squiggles().first().waitFor();
  await vscode.until("one error in the status bar", async () => /^\s*1\s+0/m.test(await vscode.statusBar()));
}

async function quickFix(vscode) {
  await vscode.goto(...placeOf(vscode.read(PLAN), "biuld"));
  await vscode.pressFor("Control+.", vscode.page.locator(".action-widget .monaco-list-row.focused", { hasText: "build" }));
  await vscode.look("2a-offered");
  await vscode.press("Enter");
  await vscode.save(PLAN, "the right name", (text) => !text.includes("biuld"));
  assert.match(vscode.read(PLAN), /task unit.*\n    needs: build\n/);
  await vscode.until("no mistake", async () => (await vscode.squiggles().count()) === 0);
}

async function completion(vscode) {
  const [line] = placeOf(vscode.read(PLAN), "timeout: 2m");
  await vscode.goto(line, 1);
  await vscode.press("End", "Enter");
  await vscode.type("idem");
  await vscode.page.locator(".suggest-widget.visible .monaco-list-row.focused", { hasText: "idempotent" }).waitFor();
  await vscode.look("3a-offered");
  await vscode.press("Enter");
  await vscode.until("the clause", async () => (await vscode.page.locator(".view-line", { hasText: "idempotent:" }).count()) === 1);
  await vscode.type("true");
  await vscode.press("Escape");
  await vscode.save(PLAN, "the clause", (text) => /\n {4}idempotent: true\n/.test(text));
}

async function hover(vscode) {
  await vscode.goto(...placeOf(vscode.read(PLAN), "build", "needs: build"));
  await vscode.press("Control+k", "Control+i");
  await vscode.page.locator(".monaco-hover", { hasText: "Build the package" }).first().waitFor();
  await vscode.look("4a-hover");
  await vscode.press("Escape");
}

async function rename(vscode) {
  await vscode.goto(...placeOf(vscode.read(PLAN), "audit", "task audit"));
  await vscode.pressFor("F2", vscode.page.locator(".rename-box input:focus"));
  await vscode.press("Control+a");
  await vscode.type("scan");
  await vscode.press("Enter");
  await vscode.until("the new name", async () => (await vscode.page.locator(".view-line", { hasText: "task scan" }).count()) === 1);
  await vscode.save(PLAN, "the new name", (text) => text.includes("task scan"));
  const text = vscode.read(PLAN);
  assert.match(text, /needs: unit, scan\n/);
  assert.equal(text.match(/mock task scan ->/g)?.length, 2);
  assert.doesNotMatch(text, /(task|, ) ?audit\b/);
}

async function graph(vscode) {
  await vscode.command("Plan: Show Graph");
  const view = await vscode.graph();
  await vscode.until("six nodes", async () => (await view.locator("g.node").count()) === 6);
  await vscode.page.locator(".view-line", { hasText: "task build" }).click();
  await vscode.goto(...placeOf(vscode.read(PLAN), "task publish"));
  await vscode.until("the node of the cursor", async () => (await view.locator("g.node.selected").getAttribute("data-id", { timeout: 1000 }).catch(() => "")) === "publish");
  const [line] = placeOf(vscode.read(PLAN), "task build");
  const isThere = async () => (await vscode.statusBar()).includes(`Ln ${line},`);
  await vscode.clickUntil("the cursor at the node", view.locator("g.node[data-id=build]"), isThere);
}

async function run(vscode) {
  await vscode.view("Plans");
  const view = await vscode.graph();
  const button = vscode.page.locator(".editor-actions .action-label[aria-label^='Run Plan']").first();
  await vscode.tryUntil("a run", () => button.click(), () => runsOf(vscode, "release").length > 0, STARTS_MS);
  // it may be over before all of it was looked at
  const seen = [view.locator("g.node.running"), vscode.page.locator(".glyph-margin-widgets .cgmr")].map((one) => one.first().waitFor());
  await vscode.expand(vscode.rows("release").first(), vscode.rows("scan").first());
  await vscode.look("7a-running");
  await Promise.all(seen);
  await vscode.rows("waits for role/release").waitFor();
  await vscode.until("a gate that waits in the graph", async () => (await view.locator("g.node[data-id=approve].blocked, g.node[data-id=approve].waiting").count()) === 1);
}

async function approve(vscode) {
  const gate = vscode.rows("waits for role/release");
  // Where the pointer was, a tip covers the row.
  await vscode.page.locator(".view-line").first().hover();
  await vscode.clickFor(gate, "Approve", vscode.box);
  await vscode.answer("");
  await vscode.press("Enter");
  await vscode.page.locator(".quick-input-widget", { hasText: "A decision needs a reason" }).waitFor();
  await vscode.answer(REASON);
  await vscode.page.locator(".quick-input-widget", { hasText: "A decision needs a reason" }).waitFor({ state: "hidden" });
  await vscode.look("8a-reason");
  await vscode.press("Enter");
  await vscode.rows("release").filter({ hasText: "completed" }).first().waitFor();
  const view = await vscode.graph();
  await vscode.until("five nodes that completed", async () => (await view.locator("g.node.completed").count()) === 5);
  await vscode.page.locator(".codelens-decoration", { hasText: "completed in" }).first().waitFor();
  const [newest] = JSON.parse(`[${vscode.dslc("runs", "--json").trim().split("\n").join(",")}]`);
  assert.equal(newest.status, "completed");
  assert.match(vscode.dslc("report", newest.run), new RegExp(REASON));
}

async function lenses(vscode) {
  const lens = (text) => vscode.page.locator(".codelens-decoration a", { hasText: text }).first();
  const references = vscode.page.locator(".peekview-widget .monaco-list-row", { hasText: "needs" }).first();
  await vscode.goto(...placeOf(vscode.read(PLAN), "task build"));
  await vscode.clickUntil("the references", lens(/^4 references$/), () => references.isVisible());
  await vscode.look("9a-references");
  await vscode.leave(vscode.page.locator(".peekview-widget"));
  await lens("would be reused from cache").waitFor();
  await vscode.look("9b-reused");
  // the peek has moved the text
  await vscode.page.locator(".view-line").first().hover();
  await vscode.page.mouse.wheel(0, -1000);
  const isSecond = () => runsOf(vscode, "release").length > 1;
  await vscode.tryUntil("a second run", () => lens("▶ Run").click(), isSecond, STARTS_MS);
  await lens(/reused, \d of \d runs; would be reused from cache/).waitFor();
  await vscode.goto(...placeOf(vscode.read(PLAN), "built {{"));
  await vscode.type("well ");
  await lens("would run again: `run` changed").waitFor();
  await vscode.look("9c-again");
  await vscode.press(...Array.from("well ", () => "Backspace"));
  await lens("would be reused from cache").waitFor();
  await vscode.save(PLAN, "the text as it was", (text) => !text.includes("well built"));
}

async function cancel(vscode) {
  const run = vscode.rows("release").first();
  await vscode.page.locator(".view-line").first().hover();
  const yes = vscode.page.locator(".monaco-dialog-box .monaco-button", { hasText: "Cancel the Run" });
  await vscode.menuFor(run, "Cancel Run", yes);
  await yes.click();
  await vscode.rows("release").filter({ hasText: "cancelled" }).first().waitFor();
  await vscode.page.locator(".terminal-wrapper .xterm-rows, .terminal-wrapper .xterm-screen").first().waitFor();
  await vscode.until("the end of the run in its terminal", async () => {
    const shown = await vscode.terminal();
    return shown === undefined || /cancelled/.test(shown);
  });
  const toasts = await vscode.page.locator(".notifications-toasts .notification-list-item").allInnerTexts();
  assert.deepEqual(toasts.filter((text) => /exit code|terminated/.test(text)), []);
}

async function tests(vscode) {
  await vscode.view("Testing");
  const file = vscode.page.locator(".test-explorer .monaco-list-row", { hasText: PLAN });
  const test = vscode.page.locator(".test-explorer .monaco-list-row", { hasText: "a broken audit is reported" });
  await vscode.expand(file, test);
  await vscode.command("Test: Run All Tests");
  const told = (name, sign) =>
    vscode.until(`${name}: ${sign}`, async () => {
      const row = vscode.page.locator(".test-explorer .monaco-list-row", { hasText: name });
      return (await row.locator(`[class*=testing-${sign}]`).count()) > 0;
    });
  await told("a broken audit is reported", "passed");
  await told("a test that fails", "failed");
}

async function fromNothing(vscode) {
  await vscode.command("Plan: New Plan");
  await vscode.page.locator(".view-line", { hasText: "my-plan" }).waitFor();
  await vscode.press("Escape", "Control+End");
  await vscode.press("Enter", "Shift+Tab", "Shift+Tab");
  await vscode.type('task second "Says it again"');
  await vscode.coloured("task second");
  await vscode.type('\nneeds: frist\nrun: "echo again"');
  await vscode.squiggles().first().waitFor();
  await vscode.look("12a-mistake");
  await vscode.press("Control+s");
  await vscode.answer("");
  await vscode.press("Control+a");
  await vscode.type(`${vscode.folder}/first.plan`);
  await vscode.pressFor("Enter", vscode.page.locator(".tab.active", { hasText: "first.plan" }));
  await vscode.squiggles().first().waitFor();
  await vscode.goto(...placeOf(vscode.read("first.plan"), "frist"));
  await vscode.pressFor("Control+.", vscode.page.locator(".action-widget .monaco-list-row.focused", { hasText: "first" }));
  await vscode.press("Enter");
  await vscode.save("first.plan", "the right name", (text) => !text.includes("frist"));
  await vscode.view("Plans");
  await vscode.command("Plan: Run Plan");
  await vscode.rows("my-plan").filter({ hasText: "completed" }).first().waitFor();
}

async function answer(vscode) {
  const reason = "no word is misspelt";
  await vscode.view("Explorer");
  await vscode.openFile("letter.plan");
  await vscode.view("Plans");
  await vscode.command("Plan: Run Plan");
  const question = vscode.rows("Does this read well?");
  await vscode.expand(vscode.rows("letter").first(), question);
  await vscode.page.locator(".view-line").first().hover();
  await vscode.clickFor(question, "Answer", vscode.box);
  await vscode.answer("true");
  await vscode.press("Enter");
  await vscode.page.locator(".quick-input-widget", { hasText: "A reason is recorded" }).waitFor();
  await vscode.answer(reason);
  await vscode.look("13a-reason");
  await vscode.press("Enter");
  await vscode.rows("letter").filter({ hasText: "completed" }).first().waitFor();
  assert.match(vscode.dslc("report", "last"), new RegExp(reason));
}

const VERSION = JSON.parse(readFileSync(path.join(import.meta.dirname, "../package.json"), "utf8")).version;

async function server(vscode) {
  await vscode.languageStatus(`dslc ${VERSION}`, "14a-status");
  const [before] = vscode.servers();
  assert.ok(before, "there is no server");
  await vscode.command("Plan: Restart Language Server");
  await vscode.until("another server", () => vscode.servers().length === 1 && vscode.servers()[0] !== before);
  await vscode.languageStatus(`dslc ${VERSION}`, "14b-again");
}

/** A program that answers as another version does, by its setting, until the setting is what it was. */
async function otherVersion(vscode) {
  const other = path.join(path.dirname(vscode.folder), "other-dslc");
  const script = [
    `#!${process.execPath}`,
    `const server = require("node:child_process").spawn(${JSON.stringify(vscode.program)}, process.argv.slice(2), { stdio: ["pipe", "pipe", "inherit"] });`,
    "process.stdin.pipe(server.stdin);",
    `const tell = (bytes) => bytes.toString("latin1").replace('"version":"${VERSION}"', '"version":"9${VERSION.slice(1)}"');`,
    'server.stdout.on("data", (bytes) => process.stdout.write(tell(bytes), "latin1"));',
    'server.on("exit", (code) => process.exit(code ?? 1));',
  ];
  writeFileSync(other, script.join("\n"), { mode: 0o755 });
  vscode.machine({ "dslc.path": other });
  const toast = vscode.page.locator(".notifications-toasts .notification-list-item", { hasText: `dslc 9${VERSION.slice(1)} answers` });
  await toast.waitFor();
  const text = await toast.innerText();
  assert.match(text, /made for dslc .*install that, or set dslc\.path/);
  await vscode.look("15a-said");
  vscode.machine({ "dslc.path": vscode.program });
  await toast.hover();
  await toast.locator(".codicon-notifications-clear").click();
  await vscode.languageStatus(`dslc ${VERSION}`, "15b-mended");
}

async function walkthrough(vscode) {
  await vscode.command("Plan: How It Works");
  await vscode.page.locator(".gettingStartedContainer", { hasText: "Write, check and run a plan" }).waitFor();
  for (const step of ["Write a plan", "See it", "Run it", "Test it"]) {
    await vscode.page.locator(".getting-started-step", { hasText: step }).first().waitFor();
  }
}

/** A plan that newcomers run first, over a repository of its own: what it is about, how it goes, how it last went. */
async function frontPage(vscode) {
  repository(vscode.folder);
  await vscode.page.setViewportSize({ width: 1800, height: 860 });
  await vscode.command("View: Close All Editors");
  await vscode.hidePanel();
  if (!(await vscode.page.locator(".explorer-folders-view").isVisible())) {
    await vscode.view("Explorer");
  }
  await vscode.openFile(AUDIT);
  await vscode.page.locator(".codelens-decoration", { hasText: "references" }).first().waitFor();
  await vscode.page.locator(".view-line").first().click();
  await vscode.command("Plan: Show Graph");
  const view = await vscode.graph();
  await vscode.until("the nodes of the audit", async () => (await view.locator("g.node[data-id=licence]").count()) === 1);
  await vscode.view("Plans");
  for (const count of [1, 2]) {
    await vscode.page.locator(".view-line").first().click();
    await vscode.command("Plan: Run Plan");
    await vscode.until(`${count} runs`, async () => runsOf(vscode, "repo-audit").filter((run) => run.status === "completed").length === count);
  }
  await vscode.hidePanel();
  await vscode.expand(vscode.rows("repo-audit").first(), vscode.rows("large-files").first());
  await vscode.until("nodes that completed", async () => (await view.locator("g.node.completed").count()) > 5);
  await view.locator("button", { hasText: "Fit" }).click();
  await vscode.page.locator(".view-line").first().click();
  await vscode.goto(...placeOf(vscode.read(AUDIT), "history", "task history"));
  await vscode.page.locator(".codelens-decoration", { hasText: "2 of 2 runs" }).first().waitFor();
}

function runsOf(vscode, plan) {
  const lines = vscode.dslc("runs", "--json").trim().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).filter((run) => run.plan === plan);
}

/** Makes the workspace a repository with two commits. */
function repository(folder) {
  const git = (...args) => execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], { cwd: folder });
  writeFileSync(path.join(folder, ".gitignore"), ".dslc\n*.md\n");
  writeFileSync(path.join(folder, "LICENSE"), "Do what you like.\n");
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "The plans");
}

/** `dslc` in the workspace, beside VS Code. */
export function dslcIn(folder, program) {
  return (...args) => execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
