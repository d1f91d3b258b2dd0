import assert from "node:assert/strict";
import { test } from "node:test";
import { findServer, type Surroundings } from "../src/server";
import { ruleOfPage } from "../src/rule";
import { statusText } from "../src/status";

function surroundings(programs: readonly string[], change: Partial<Surroundings> = {}): Surroundings {
  return {
    setting: "",
    extensionDir: "/ext",
    workspaceDir: "/project",
    homeDir: "/home/me",
    searchPath: "/usr/bin::/opt/bin",
    platform: "linux",
    isExecutable: (file) => programs.includes(file),
    ...change,
  };
}

test("the setting wins over the bundled program, which wins over PATH", () => {
  const all = ["/own/dslc", "/ext/server/dslc", "/opt/bin/dslc"];
  assert.deepEqual(findServer(surroundings(all, { setting: "/own/dslc" })), {
    kind: "found",
    command: "/own/dslc",
    from: "setting",
  });
  assert.deepEqual(findServer(surroundings(all)), { kind: "found", command: "/ext/server/dslc", from: "bundled" });
  assert.deepEqual(findServer(surroundings(["/opt/bin/dslc"])), {
    kind: "found",
    command: "/opt/bin/dslc",
    from: "PATH",
  });
});

test("home, workspace folder and relative paths in the setting are resolved", () => {
  for (const [setting, command] of [
    ["~/bin/dslc", "/home/me/bin/dslc"],
    ["${workspaceFolder}/target/release/dslc", "/project/target/release/dslc"],
    ["target/release/dslc", "/project/target/release/dslc"],
    ["dslc-nightly", "/opt/bin/dslc-nightly"],
  ] as const) {
    assert.deepEqual(findServer(surroundings([command], { setting })), { kind: "found", command, from: "setting" });
  }
});

test("a setting that names no program is said, and nothing else is started instead", () => {
  const found = findServer(surroundings(["/opt/bin/dslc"], { setting: "/nowhere/dslc" }));
  assert.equal(found.kind, "missing");
  assert.match(found.kind === "missing" ? found.message : "", /dslc\.path is "\/nowhere\/dslc"/);
});

test("when there is no program at all, the message says what to do", () => {
  const found = findServer(surroundings([]));
  assert.equal(found.kind, "missing");
  assert.match(found.kind === "missing" ? found.message : "", /set dslc\.path/);
});

test("Windows looks for dslc.exe and splits PATH at semicolons", () => {
  const programs = ["/ext/server/dslc.exe"];
  assert.equal(findServer(surroundings(programs, { platform: "win32" })).kind, "found");
});

test("the status item shows the server's version, or what is wrong", () => {
  assert.equal(statusText({ kind: "running", name: "dslc", version: "0.1.0", wanted: "0.1.0" }).text, "dslc 0.1.0");
  assert.equal(statusText({ kind: "running", name: "dslc", version: undefined, wanted: "0.1.0" }).text, "dslc");
  assert.equal(statusText({ kind: "failed", message: "no program" }).severity, "error");
  assert.equal(statusText({ kind: "failed", message: "no program" }).detail, "no program");
  assert.equal(statusText({ kind: "starting" }).busy, true);
  assert.equal(statusText({ kind: "stopped" }).severity, "warning");
});

test("a server of another line of versions is said to be one, with what to do", () => {
  const other = statusText({ kind: "running", name: "dslc", version: "0.2.1", wanted: "0.1.0" });
  assert.equal(other.severity, "warning");
  assert.match(other.detail, /made for dslc 0\.1\.0.*dslc\.path/);
  const patched = statusText({ kind: "running", name: "dslc", version: "0.1.7-dev", wanted: "0.1.0" });
  assert.equal(patched.severity, "information");
});

test("the page of a rule is found by its path", () => {
  assert.equal(ruleOfPage("dependency-cycle.md"), "dependency-cycle");
  assert.equal(ruleOfPage("/dependency-cycle.md"), "dependency-cycle");
});
