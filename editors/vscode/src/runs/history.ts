// What `dslc` knows of runs, kept fresh while they go on. The store is read by `dslc` alone; this watches for changes of journals.
// Nothing is read while nothing happens: a run that waits for a person is left alone until its folder changes.

import * as path from "node:path";
import * as vscode from "vscode";
import { complaint, jsonLines, runProgram, type Outcome } from "../program";
import type { Session } from "../session";
import { isLive, moves, type Run } from "./model";

/** Runs that are listed, newest first. */
const LISTED_MAX = 50;
/** Runs whose nodes are read too. */
const DETAILED_MAX = 5;
const PAUSE_MS = 250;
/**
 * While a run goes on, and for a while after one was started, its store is looked at unasked, because not every file system tells of
 * changes: this often at first, and ever more rarely while nothing changes.
 */
const LOOK_MS = 1000;
const LOOK_MS_MAX = 16_000;
const EXPECTED_MS = 15_000;

/** A run and the folder whose store it is in. */
export interface KeptRun extends Run {
  readonly dir: string;
}

export class RunHistory implements vscode.Disposable {
  private runs: readonly KeptRun[] = [];
  private readonly details = new Map<string, KeptRun>();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onChange = this.changed.event;
  private readonly disposables: vscode.Disposable[] = [this.changed];
  private timer: NodeJS.Timeout | undefined;
  private looking: NodeJS.Timeout | undefined;
  private lookMs = LOOK_MS;
  private readonly opened = Date.now();
  /** Runs that went on before our eyes. */
  private readonly followed = new Set<string>();
  /** Until then a run is expected to appear. */
  private expectedUntil = 0;
  private isAsked = false;
  private reading = false;
  private stale = false;

  constructor(private readonly session: Session) {
    const watcher = vscode.workspace.createFileSystemWatcher("**/.dslc/**");
    this.disposables.push(
      watcher,
      watcher.onDidChange(() => this.later()),
      watcher.onDidCreate(() => this.later()),
      watcher.onDidDelete(() => this.later()),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (focused) {
          this.later();
        }
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.later()),
      session.onReady(() => this.later()),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.looking);
    this.disposables.forEach((one) => one.dispose());
  }

  /** Newest first. */
  all(): readonly KeptRun[] {
    return this.runs;
  }

  /** The run with its nodes, if they have been read. */
  withNodes(run: KeptRun): KeptRun {
    return this.details.get(run.run) ?? run;
  }

  /** The newest run of a plan in the folder of a file; `plan` is empty of a file's implicit plan. */
  latestOf(file: vscode.Uri, plan: string): KeptRun | undefined {
    const name = plan === "" ? path.basename(file.fsPath, ".plan") : plan;
    const dir = folderOf(file);
    const run = this.runs.find((run) => run.plan === name && run.dir === dir);
    return run === undefined ? undefined : this.withNodes(run);
  }

  /** Reads the nodes of a run that is not among the newest. */
  async load(run: KeptRun): Promise<KeptRun> {
    const known = this.details.get(run.run);
    if (known !== undefined) {
      return known;
    }
    const outcome = await this.dslc(["show", run.run, "--json"], run.dir);
    const [found] = jsonLines<Run>(outcome?.stdout ?? "");
    const loaded = found === undefined ? run : { ...found, dir: run.dir };
    this.details.set(run.run, loaded);
    return loaded;
  }

  /** Reads everything anew, and shows it even if nothing has changed: ages have. */
  refresh(): void {
    this.isAsked = true;
    this.later();
  }

  /** The run goes on, or did since the editor was opened. */
  isFresh(run: Run): boolean {
    return this.followed.has(run.run) || Date.parse(run.started) >= this.opened;
  }

  /** A run was just started and will appear. */
  expect(): void {
    this.expectedUntil = Date.now() + EXPECTED_MS;
    this.later();
  }

  /** Runs `dslc` to change something about a run; see `print`. */
  async act(args: readonly string[], dir: string): Promise<void> {
    await this.print(args, dir);
    this.expect();
  }

  /** Runs `dslc`; a failure is shown to the person. Gives the outcome of success. */
  async print(args: readonly string[], dir: string): Promise<Outcome | undefined> {
    const outcome = await this.dslc(args, dir);
    if (outcome === undefined) {
      return undefined;
    }
    this.session.log(`dslc ${args.join(" ")}: ${outcome.code ?? "did not start"}`);
    // 4: the run goes on waiting for somebody else
    if (outcome.code === 0 || outcome.code === 4) {
      return outcome;
    }
    void vscode.window.showErrorMessage(complaint(outcome));
    return undefined;
  }

  private async dslc(args: readonly string[], dir: string): Promise<Outcome | undefined> {
    const command = this.session.command;
    return command === undefined ? undefined : runProgram(command, args, dir);
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), PAUSE_MS);
  }

  private async read(): Promise<void> {
    if (this.reading) {
      this.stale = true;
      return;
    }
    this.reading = true;
    try {
      do {
        this.stale = false;
        await this.readNow();
      } while (this.stale);
    } finally {
      this.reading = false;
    }
  }

  private async readNow(): Promise<void> {
    const found: KeptRun[] = [];
    for (const folder of vscode.workspace.workspaceFolders ?? []) {
      const dir = folder.uri.fsPath;
      const outcome = await this.dslc(["runs", "--json"], dir);
      found.push(...jsonLines<Run>(outcome?.stdout ?? "").map((run) => ({ ...run, dir })));
    }
    found.sort((a, b) => b.started.localeCompare(a.started));
    const before = this.picture();
    this.runs = found.slice(0, LISTED_MAX);
    for (const run of this.runs.slice(0, DETAILED_MAX)) {
      const known = this.details.get(run.run);
      if (known === undefined || isLive(known) || known.status !== run.status) {
        this.details.delete(run.run);
        await this.load(run);
      }
    }
    this.runs.filter(isLive).forEach(({ run }) => this.followed.add(run));
    const isNews = this.picture() !== before;
    this.lookMs = isNews ? LOOK_MS : Math.min(this.lookMs * 2, LOOK_MS_MAX);
    if (isNews) {
      const folders = vscode.workspace.workspaceFolders ?? [];
      this.session.changed(folders.map((folder) => vscode.Uri.joinPath(folder.uri, ".dslc", "cache.jsonl")));
    }
    if (isNews || this.isAsked) {
      this.isAsked = false;
      this.changed.fire();
    }
    this.lookAgain();
  }

  /** All that is known, as text. */
  private picture(): string {
    return JSON.stringify(this.runs.map((run) => ({ ...this.withNodes(run), duration_ms: isLive(run) ? null : run.duration_ms })));
  }

  private lookAgain(): void {
    clearTimeout(this.looking);
    const isExpected = Date.now() < this.expectedUntil;
    if (isExpected || this.runs.some(moves)) {
      this.looking = setTimeout(() => void this.read(), isExpected ? LOOK_MS : this.lookMs);
    }
  }
}

function folderOf(file: vscode.Uri): string | undefined {
  return vscode.workspace.getWorkspaceFolder(file)?.uri.fsPath;
}
