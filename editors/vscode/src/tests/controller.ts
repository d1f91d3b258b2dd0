// The tests of plans in the Test Explorer: listed and run by `dslc test`.

import * as path from "node:path";
import * as vscode from "vscode";
import { complaint, jsonLines, runProgram } from "../program";
import type { Session } from "../session";
import { explain, isTest, keyOf, type Listed, type Reported } from "./model";

const PAUSE_MS = 400;

export class PlanTests implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController("dslc.tests", "Plans");
  private readonly disposables: vscode.Disposable[] = [this.controller];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly session: Session) {
    const watcher = vscode.workspace.createFileSystemWatcher("**/*.plan");
    this.controller.refreshHandler = () => this.list();
    this.controller.createRunProfile("Run", vscode.TestRunProfileKind.Run, (request, token) => this.run(request, token), true);
    this.disposables.push(
      watcher,
      watcher.onDidChange(() => this.later()),
      watcher.onDidCreate(() => this.later()),
      watcher.onDidDelete(() => this.later()),
      session.onReady(() => this.later()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.later()),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.forEach((one) => one.dispose());
  }

  /** Runs the test of that title in a saved file; false if there is none. */
  async runOne(uri: vscode.Uri, title: string): Promise<boolean> {
    const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
    if (document?.isDirty === true && !(await document.save())) {
      return false;
    }
    await this.list();
    const file = this.controller.items.get(uri.fsPath);
    const item = file === undefined ? undefined : allOf(file.children).find(({ label }) => label === title);
    if (item === undefined) {
      return false;
    }
    await this.run(new vscode.TestRunRequest([item]), new vscode.CancellationTokenSource().token);
    return true;
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.list(), PAUSE_MS);
  }

  private async list(): Promise<void> {
    const command = this.session.command;
    if (command === undefined) {
      return;
    }
    const files = new Map<string, vscode.TestItem>();
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      const dir = folder.uri.fsPath;
      const outcome = await runProgram(command, ["test", "--list", "--format", "json"], dir);
      if (outcome.code !== 0) {
        this.session.log(`the tests below ${dir} are not listed: ${complaint(outcome)}`);
        return;
      }
      for (const test of jsonLines<object>(outcome.stdout).filter(isTest)) {
        this.add(files, test, dir);
      }
    }
    this.controller.items.replace([...files.values()]);
  }

  private add(files: Map<string, vscode.TestItem>, test: Listed, dir: string): void {
    const uri = vscode.Uri.file(path.resolve(dir, test.file));
    let file = files.get(uri.fsPath);
    if (file === undefined) {
      file = this.controller.createTestItem(uri.fsPath, vscode.workspace.asRelativePath(uri), uri);
      files.set(uri.fsPath, file);
    }
    const item = this.controller.createTestItem(keyOf(test), test.test, uri);
    item.description = test.plan;
    item.range = new vscode.Range(test.line - 1, 0, test.line - 1, 0);
    file.children.add(item);
  }

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request);
    const command = this.session.command;
    for (const [file, wanted] of byFile(request.include ?? allOf(this.controller.items), new Set(request.exclude))) {
      if (command === undefined || token.isCancellationRequested) {
        wanted.forEach((item) => run.skipped(item));
        continue;
      }
      wanted.forEach((item) => run.started(item));
      const dir = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file))?.uri.fsPath ?? path.dirname(file);
      const [only] = wanted;
      const filter = wanted.length === 1 && only !== undefined ? ["--filter", only.label] : [];
      const outcome = await runProgram(command, ["test", file, ...filter, "--format", "json"], dir);
      const reports = jsonLines<object>(outcome.stdout).filter(isTest) as Reported[];
      const reported = new Map(reports.map((report) => [keyOf(report), report]));
      for (const item of wanted) {
        tell(run, item, reported.get(item.id), () => complaint(outcome));
      }
    }
    run.end();
  }
}

function tell(run: vscode.TestRun, item: vscode.TestItem, report: Reported | undefined, otherwise: () => string): void {
  if (report === undefined) {
    run.errored(item, new vscode.TestMessage(otherwise()));
    return;
  }
  const said = [`${report.status}  ${report.test}`, ...(report.failures ?? []).map(explain)].join("\n");
  // the output is a terminal's
  run.appendOutput(`${said.replaceAll("\n", "\r\n")}\r\n`, undefined, item);
  if (report.status === "passed") {
    run.passed(item, report.duration_ms);
    return;
  }
  const messages = (report.failures ?? []).map((failure) => {
    const message = new vscode.TestMessage(explain(failure));
    const line = failure.line === undefined ? item.range?.start.line : failure.line - 1;
    if (item.uri !== undefined && line !== undefined) {
      message.location = new vscode.Location(item.uri, new vscode.Position(line, 0));
    }
    return message;
  });
  run.failed(item, messages, report.duration_ms);
}

function allOf(items: vscode.TestItemCollection): vscode.TestItem[] {
  const found: vscode.TestItem[] = [];
  items.forEach((item) => found.push(item));
  return found;
}

/** The single tests that are wanted, by the path of their file. */
function byFile(items: readonly vscode.TestItem[], excluded: ReadonlySet<vscode.TestItem>): Map<string, vscode.TestItem[]> {
  const files = new Map<string, vscode.TestItem[]>();
  for (const item of items.flatMap((one) => (one.children.size > 0 ? allOf(one.children) : [one]))) {
    if (item.uri !== undefined && !excluded.has(item)) {
      const { fsPath } = item.uri;
      files.set(fsPath, [...(files.get(fsPath) ?? []), item]);
    }
  }
  return files;
}
