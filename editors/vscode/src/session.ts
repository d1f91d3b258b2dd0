// One language server at a time, its output and its status item.

import * as fs from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import { FileChangeType, LanguageClient, RevealOutputChannelOn, State, type LanguageClientOptions } from "vscode-languageclient/node";
import { OWN_COMMANDS } from "./lens";
import { findServer } from "./server";
import { statusText, type ServerState } from "./status";

export const LANGUAGE = "plan";
/** Documents of this scheme are pages of rules; the server links to them from diagnostics. */
export const RULE_SCHEME = "dslc-rule";

export class Session implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel("Plan language server", { log: true });
  private readonly status = vscode.languages.createLanguageStatusItem("dslc.status", { language: LANGUAGE });
  private client: LanguageClient | undefined;
  private program: string | undefined;
  /** Starts and stops follow one another, however fast they are asked for. */
  private queue: Promise<void> = Promise.resolve();
  private readonly ready = new vscode.EventEmitter<void>();
  /** The server has started, for the first time or again. */
  readonly onReady = this.ready.event;

  constructor(private readonly context: vscode.ExtensionContext) {
    this.status.name = "Plan language server";
    this.status.command = { command: "dslc.restart", title: "Restart" };
  }

  /** The program that serves the language, and runs plans; absent if none was found. */
  get command(): string | undefined {
    return this.program;
  }

  start(): Promise<void> {
    return this.enqueue(() => this.startNow());
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.stopNow());
  }

  restart(): Promise<void> {
    return this.enqueue(async () => {
      await this.stopNow();
      await this.startNow();
    });
  }

  showOutput(): void {
    this.output.show(true);
  }

  log(message: string): void {
    this.output.info(message);
  }

  /** The answer of the server; absent while there is none, and when a later edit has overtaken the question. */
  async ask<T>(method: string, params: unknown): Promise<T | undefined> {
    const client = this.client;
    if (client === undefined || client.state !== State.Running) {
      return undefined;
    }
    try {
      return await client.sendRequest<T>(method, params);
    } catch (error) {
      this.output.debug(`${method}: ${String(error)}`);
      return undefined;
    }
  }

  /** Tells the server of changed files that it may not have heard of: not every file system tells of changes, and none all of them. */
  changed(files: readonly vscode.Uri[]): void {
    const changes = files.map((file) => ({ uri: file.toString(), type: FileChangeType.Changed }));
    if (this.client?.state === State.Running) {
      void this.client.sendNotification("workspace/didChangeWatchedFiles", { changes });
    }
  }

  /** The page of a rule, as the server has it. */
  async rulePage(rule: string): Promise<string> {
    const page = await this.ask<string | null>("dslc/rulePage", { rule });
    return page ?? `There is no page for the rule ${rule}.\n`;
  }

  dispose(): void {
    this.status.dispose();
    this.output.dispose();
    this.ready.dispose();
  }

  private enqueue(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step, step);
    return this.queue;
  }

  private async startNow(): Promise<void> {
    const found = findServer({
      setting: vscode.workspace.getConfiguration("dslc").get<string>("path", ""),
      extensionDir: this.context.extensionPath,
      workspaceDir: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath,
      homeDir: os.homedir(),
      searchPath: process.env["PATH"] ?? "",
      platform: process.platform,
      isExecutable,
    });
    if (found.kind === "missing") {
      this.program = undefined;
      this.show({ kind: "failed", message: found.message });
      void this.complain(found.message);
      return;
    }
    this.program = found.command;
    this.output.info(`starting ${found.command} lsp (from ${found.from})`);
    this.show({ kind: "starting" });
    const client = new LanguageClient(
      "dslc",
      "Plan language server",
      { command: found.command, args: ["lsp"] },
      this.clientOptions(),
    );
    client.onDidChangeState(({ newState }) => this.follow(client, newState));
    this.client = client;
    try {
      await client.start();
      this.ready.fire();
    } catch (error) {
      const message = `${found.command} lsp did not start: ${error instanceof Error ? error.message : String(error)}`;
      this.show({ kind: "failed", message });
      void this.complain(message);
    }
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file", language: LANGUAGE }, { scheme: "untitled", language: LANGUAGE }],
      initializationOptions: {
        ruleScheme: RULE_SCHEME,
        commands: OWN_COMMANDS,
        inlayHints: vscode.workspace.getConfiguration("dslc").get("inlayHints"),
      },
      synchronize: { configurationSection: "dslc" },
      outputChannel: this.output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    };
  }

  private async stopNow(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client !== undefined) {
      await client.dispose().catch((error: unknown) => this.output.warn(`the server did not stop cleanly: ${String(error)}`));
    }
    this.show({ kind: "stopped" });
  }

  private follow(client: LanguageClient, state: State): void {
    if (client !== this.client) {
      return;
    }
    switch (state) {
      case State.Running: {
        const server = client.initializeResult?.serverInfo;
        const wanted = (this.context.extension.packageJSON as { version: string }).version;
        const running: ServerState = { kind: "running", name: server?.name ?? "dslc", version: server?.version, wanted };
        this.show(running);
        const { text, detail, severity } = statusText(running);
        if (severity === "warning") {
          void this.complain(`${text} answers, but ${detail}.`, vscode.window.showWarningMessage);
        }
        break;
      }
      case State.Stopped:
        this.show({ kind: "stopped" });
        break;
      default:
        this.show({ kind: "starting" });
    }
  }

  private show(state: ServerState): void {
    const { text, detail, severity, busy } = statusText(state);
    this.status.text = text;
    this.status.detail = detail;
    this.status.busy = busy;
    this.status.severity = {
      information: vscode.LanguageStatusSeverity.Information,
      warning: vscode.LanguageStatusSeverity.Warning,
      error: vscode.LanguageStatusSeverity.Error,
    }[severity];
  }

  private async complain(message: string, say: Say = vscode.window.showErrorMessage): Promise<void> {
    this.output.error(message);
    const openSettings = "Open Settings";
    const showOutput = "Show Output";
    const chosen = await say(message, openSettings, showOutput);
    if (chosen === openSettings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "dslc.path");
    } else if (chosen === showOutput) {
      this.showOutput();
    }
  }
}

type Say = (message: string, ...choices: string[]) => Thenable<string | undefined>;

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
