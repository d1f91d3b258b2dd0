// Starts `dslc lsp` and shows how it is doing. Anything clever lives in the server.

import * as fs from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, State, type LanguageClientOptions } from "vscode-languageclient/node";
import { findServer } from "./server";
import { ruleOfPage } from "./rule";
import { statusText, type ServerState } from "./status";

const LANGUAGE = "plan";
/** Documents of this scheme are pages of rules; the server links to them from diagnostics. */
const RULE_SCHEME = "dslc-rule";

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const session = new Session(context);
  context.subscriptions.push(
    session,
    vscode.commands.registerCommand("dslc.restart", () => session.restart()),
    vscode.commands.registerCommand("dslc.showOutput", () => session.showOutput()),
    vscode.workspace.registerTextDocumentContentProvider(RULE_SCHEME, {
      provideTextDocumentContent: (uri) => session.rulePage(ruleOfPage(uri.path)),
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("dslc.path")) {
        void session.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void session.restart()),
  );
  current = session;
  await session.start();
}

export async function deactivate(): Promise<void> {
  await current?.stop();
}

let current: Session | undefined;

/** One server at a time, its output and its status item. */
class Session implements vscode.Disposable {
  private readonly output = vscode.window.createOutputChannel("Plan language server", { log: true });
  private readonly status = vscode.languages.createLanguageStatusItem("dslc.status", { language: LANGUAGE });
  private client: LanguageClient | undefined;
  /** Starts and stops follow one another, however fast they are asked for. */
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {
    this.status.name = "Plan language server";
    this.status.command = { command: "dslc.restart", title: "Restart" };
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

  /** The page of a rule, as the server has it. */
  async rulePage(rule: string): Promise<string> {
    const page = await this.client?.sendRequest<string | null>("dslc/rulePage", { rule });
    return page ?? `There is no page for the rule ${rule}.\n`;
  }

  dispose(): void {
    this.status.dispose();
    this.output.dispose();
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
      this.show({ kind: "failed", message: found.message });
      void this.complain(found.message);
      return;
    }
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
    } catch (error) {
      const message = `${found.command} lsp did not start: ${error instanceof Error ? error.message : String(error)}`;
      this.show({ kind: "failed", message });
      void this.complain(message);
    }
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file", language: LANGUAGE }, { scheme: "untitled", language: LANGUAGE }],
      initializationOptions: { ruleScheme: RULE_SCHEME },
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
        this.show({ kind: "running", name: server?.name ?? "dslc", version: server?.version });
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

  private async complain(message: string): Promise<void> {
    this.output.error(message);
    const openSettings = "Open Settings";
    const showOutput = "Show Output";
    const chosen = await vscode.window.showErrorMessage(message, openSettings, showOutput);
    if (chosen === openSettings) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "dslc.path");
    } else if (chosen === showOutput) {
      this.showOutput();
    }
  }
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
