// The graph view: one panel beside the text that follows the cursor, and the run while one is live.

import * as vscode from "vscode";
import type { RunHistory } from "../runs/history";
import { LANGUAGE, type Session } from "../session";
import { neighbourhood, nodeAt, type FromView, type Graph, type NodeState, type ToView } from "./model";

/** Larger plans show what is near the cursor. */
const DRAWN_MAX = 300;
const TYPING_PAUSE_MS = 120;

export class GraphPanel {
  private static open: GraphPanel | undefined;
  private readonly disposables: vscode.Disposable[] = [];
  private document: vscode.TextDocument | undefined;
  private graph: Graph | undefined;
  private selected: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Answers to older questions are dropped. */
  private question = 0;

  /** Opens the panel for the plan in the active editor, or brings it to the front. */
  static show(context: vscode.ExtensionContext, session: Session, history: RunHistory): void {
    if (GraphPanel.open !== undefined) {
      GraphPanel.open.panel.reveal(undefined, true);
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      "dslc.graph",
      "Plan graph",
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      { enableScripts: true, retainContextWhenHidden: true, localResourceRoots: [context.extensionUri] },
    );
    GraphPanel.open = new GraphPanel(panel, context, session, history);
  }

  private constructor(
    private readonly panel: vscode.WebviewPanel,
    context: vscode.ExtensionContext,
    private readonly session: Session,
    private readonly history: RunHistory,
  ) {
    this.disposables.push(
      panel.onDidDispose(() => this.dispose()),
      panel.webview.onDidReceiveMessage((message: FromView) => void this.receive(message)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.follow(editor)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        // what a peek shows of the same text is not where the cursor is
        if (textEditor === vscode.window.activeTextEditor) {
          this.follow(textEditor);
        }
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document === this.document) {
          this.later();
        }
      }),
      session.onReady(() => void this.refresh()),
      history.onChange(() => this.draw()),
    );
    this.follow(vscode.window.activeTextEditor);
    panel.webview.html = page(panel.webview, context.extensionUri);
  }

  private dispose(): void {
    GraphPanel.open = undefined;
    clearTimeout(this.timer);
    this.disposables.forEach((one) => one.dispose());
  }

  private follow(editor: vscode.TextEditor | undefined): void {
    if (editor?.document.languageId !== LANGUAGE) {
      return;
    }
    const here = nodeAt(this.graph ?? NOTHING, editor.selection.active.line)?.id;
    if (editor.document !== this.document || !this.isWithin(editor.selection.active.line)) {
      this.document = editor.document;
      void this.refresh();
    } else if (here !== this.selected) {
      this.selected = here;
      if (this.graph !== undefined && this.graph.nodes.length > DRAWN_MAX) {
        this.draw();
      }
      this.send({ kind: "select", id: here ?? null });
    }
  }

  /** The line belongs to the plan that is drawn. */
  private isWithin(line: number): boolean {
    const nodes = this.graph?.nodes ?? [];
    const [first, last] = [nodes[0], nodes.at(-1)];
    return first !== undefined && last !== undefined && first.range.start.line <= line && line <= last.range.end.line;
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), TYPING_PAUSE_MS);
  }

  private async receive(message: FromView): Promise<void> {
    if (message.kind === "ready") {
      await this.refresh();
      return;
    }
    const node = this.graph?.nodes.find((one) => one.id === message.id);
    if (node === undefined || this.document === undefined) {
      return;
    }
    const { start } = node.selectionRange;
    const at = new vscode.Position(start.line, start.character);
    const column = vscode.window.visibleTextEditors.find((editor) => editor.document === this.document)?.viewColumn;
    await vscode.window.showTextDocument(this.document, {
      selection: new vscode.Range(at, at),
      viewColumn: column ?? vscode.ViewColumn.One,
    });
  }

  private async refresh(): Promise<void> {
    const document = this.document;
    if (document === undefined) {
      this.send({ kind: "empty", message: "Open a plan to see its graph." });
      return;
    }
    const question = ++this.question;
    const position = cursorOf(document);
    const graph = await this.session.ask<Graph | null>("dslc/graph", {
      textDocument: { uri: document.uri.toString() },
      position,
    });
    if (question !== this.question || graph === undefined) {
      return;
    }
    this.graph = graph ?? undefined;
    this.selected = graph === null ? undefined : nodeAt(graph, position.line)?.id;
    this.draw();
  }

  private draw(): void {
    const graph = this.graph;
    if (graph === undefined) {
      this.send({ kind: "empty", message: "There is no plan here." });
      return;
    }
    this.panel.title = graph.plan === "" ? "Plan graph" : `Graph of ${graph.plan}`;
    const part = neighbourhood(graph, this.selected, DRAWN_MAX);
    const run = this.document === undefined ? undefined : this.history.latestOf(this.document.uri, graph.plan);
    const states: Record<string, NodeState> = {};
    for (const node of run?.nodes ?? []) {
      states[node.id] = { status: node.status, note: node.error?.message ?? "" };
    }
    this.send({ kind: "show", graph: part, hidden: graph.nodes.length - part.nodes.length, states, run: run?.run ?? null });
    this.send({ kind: "select", id: this.selected ?? null });
  }

  private send(message: ToView): void {
    void this.panel.webview.postMessage(message);
  }
}

const NOTHING: Graph = { plan: "", title: null, nodes: [], edges: [] };

function cursorOf(document: vscode.TextDocument): { line: number; character: number } {
  const editor = vscode.window.visibleTextEditors.find((one) => one.document === document);
  const { line, character } = editor?.selection.active ?? new vscode.Position(0, 0);
  return { line, character };
}

function page(webview: vscode.Webview, root: vscode.Uri): string {
  const file = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(root, ...parts)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src ${webview.cspSource}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <link rel="stylesheet" href="${file("media", "graph.css")}">
  <title>Plan graph</title>
</head>
<body><script src="${file("dist", "graph.js")}"></script></body>
</html>`;
}
