import assert from "node:assert/strict";
import { test } from "node:test";
import { complaint, jsonLines } from "../src/program";
import { ago, approversOf, describeNode, describeRun, iconOf, isLive, moves, signOf, span, type Run, type RunNode } from "../src/runs/model";
import { askedFor, checkParam } from "../src/runs/params";
import { explain, isTest, keyOf } from "../src/tests/model";

function run(status: string, nodes: RunNode[] = []): Run {
  return { run: "r1", plan: "p", version: null, status, started: "2026-11-21T10:00:00Z", duration_ms: 3210, nodes, gates: [] };
}

function node(status: string, more: Partial<RunNode> = {}): RunNode {
  return { id: "a", kind: "task", status, attempts: 1, duration_ms: 80, error: null, ...more };
}

test("a run is described by its status, duration and age", () => {
  const now = Date.parse("2026-11-21T10:05:30Z");
  assert.equal(describeRun(run("completed"), now), "completed · 3.2 s · 5 min ago");
  assert.equal(describeRun(run("running"), now), "running · 5 min ago");
});

test("a failed node says how often it was tried and why it failed", () => {
  const failed = node("failed", { attempts: 3, error: { kind: "timeout", message: "no answer after 5s" } });
  assert.equal(describeNode(failed), "failed · 80 ms · 3 attempts · no answer after 5s");
});

test("spans and ages are said in the largest units that matter", () => {
  assert.deepEqual([80, 3210, 250_000, 7_500_000].map(span), ["80 ms", "3.2 s", "4 min 10 s", "2 h 5 min"]);
  const now = Date.parse("2026-11-21T12:00:00Z");
  assert.equal(ago("2026-11-21T11:59:40Z", now), "just now");
  assert.equal(ago("2026-11-21T09:00:00Z", now), "3 h ago");
  assert.equal(ago("2026-11-18T12:00:00Z", now), "3 days ago");
  assert.equal(ago("2026-11-21T12:00:05Z", now), "just now");
});

test("only runs that have not ended can be acted upon", () => {
  assert.deepEqual(["completed", "failed", "cancelled"].map((status) => isLive(run(status))), [false, false, false]);
  assert.deepEqual(["running", "paused", "blocked", "interrupted"].map((status) => isLive(run(status))), [true, true, true, true]);
});

test("only a run that goes on by itself is looked at unasked", () => {
  assert.deepEqual(["running", "pending"].map((status) => moves(run(status))), [true, true]);
  const still = ["blocked", "paused", "interrupted", "completed", "failed", "cancelled"];
  assert.deepEqual(still.filter((status) => moves(run(status))), []);
});

test("what has become of a node has a sign in the gutter", () => {
  assert.equal(signOf("running"), "running");
  assert.equal(signOf("blocked"), "waiting");
  assert.equal(signOf("cancelled"), "skipped");
  assert.deepEqual([signOf("pending"), signOf("ready")], [undefined, undefined]);
});

test("every status has an icon", () => {
  for (const status of ["pending", "ready", "running", "waiting", "blocked", "completed", "failed", "skipped", "cancelled", "paused", "interrupted"]) {
    assert.notEqual(iconOf(status).icon, "");
  }
});

test("approvers are read from either form", () => {
  assert.deepEqual(approversOf({ id: "g", status: "waiting", approver: "role/a, role/b" }), ["role/a", "role/b"]);
  assert.deepEqual(approversOf({ id: "g", status: "waiting", approvers: ["role/c"] }), ["role/c"]);
  assert.deepEqual(approversOf({ id: "g", status: "waiting" }), []);
});

test("parameters with a default, or that may be absent, are not asked for", () => {
  assert.ok(askedFor({ name: "n", type: "string" }));
  assert.ok(!askedFor({ name: "n", type: "string", default: { const: "x" } }));
  assert.ok(!askedFor({ name: "n", type: { optional: "string" } }));
});

test("what is obviously no value of a parameter is said before the run", () => {
  assert.equal(checkParam({ name: "n", type: { int: {} } }, "12"), undefined);
  assert.match(checkParam({ name: "n", type: { int: {} } }, "many") ?? "", /whole number/);
  assert.match(checkParam({ name: "d", type: { enum: ["shallow", "deep"] } }, "deeep") ?? "", /one of shallow, deep/);
  assert.equal(checkParam({ name: "t", type: "duration" }, "5m"), undefined);
});

test("output of one object a line is read, whatever else it holds", () => {
  assert.deepEqual(jsonLines('{"a":1}\nnot json\n\n{"a":2}\n'), [{ a: 1 }, { a: 2 }]);
  assert.deepEqual(jsonLines('{"a":1'), []);
});

test("a failure of dslc is said in its own words", () => {
  assert.equal(complaint({ code: 2, stdout: "", stderr: "error: there is no run `x`\nhelp: …\n" }), "there is no run `x`");
  assert.equal(complaint({ code: 1, stdout: "", stderr: "error[syntax]: expected a name\n" }), "expected a name");
  assert.equal(complaint({ code: 5, stdout: "", stderr: "" }), "dslc ended with 5");
});

test("tests are told from summaries, and found again in reports", () => {
  const listed = { test: "works", plan: "p", file: "a.plan", line: 9 };
  assert.ok(isTest(listed));
  assert.ok(!isTest({ summary: { passed: 1 } }));
  assert.equal(keyOf(listed), keyOf({ ...listed, file: "/elsewhere/a.plan" }));
  assert.ok(!keyOf(listed).includes("\u0000"), "VS Code takes no such key");
});

test("a failed expectation shows both sides", () => {
  assert.equal(explain({ expectation: "len(xs) == 2", left: 1, right: 2 }), "len(xs) == 2\n  left: 1\n  right: 2");
  assert.equal(explain({ message: "`fetch` would run and is not mocked" }), "`fetch` would run and is not mocked");
});
