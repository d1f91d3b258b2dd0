// How each node last went, behind its header: live while the run goes on.

import * as vscode from "vscode";
import type { Graph } from "../graph/model";
import { LANGUAGE, type Session } from "../session";
import type { RunHistory } from "./history";
import { historyOf } from "./model";

const PAUSE_MS = 300;

export class Gutter implements vscode.Disposable {
  private readonly behind = vscode.window.createTextEditorDecorationType({
    after: { margin: "0 0 0 3em", color: new vscode.ThemeColor("editorCodeLens.foreground") },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
  private readonly disposables: vscode.Disposable[] = [this.behind];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly session: Session,
    private readonly history: RunHistory,
  ) {
    this.disposables.push(
      history.onChange(() => this.later()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.later()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.languageId === LANGUAGE) {
          this.later();
        }
      }),
    );
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.disposables.forEach((one) => one.dispose());
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.show(), PAUSE_MS);
  }

  private async show(): Promise<void> {
    const editors = vscode.window.visibleTextEditors.filter((editor) => editor.document.languageId === LANGUAGE);
    for (const editor of editors) {
      editor.setDecorations(this.behind, await this.notes(editor));
    }
  }

  private async notes(editor: vscode.TextEditor): Promise<vscode.DecorationOptions[]> {
    if (this.history.all().length === 0) {
      return [];
    }
    const { active } = editor.selection;
    const graph = await this.session.ask<Graph | null>("dslc/graph", {
      textDocument: { uri: editor.document.uri.toString() },
      position: { line: active.line, character: active.character },
    });
    if (graph == null) {
      return [];
    }
    const runs = this.history.runsOf(editor.document.uri, graph.plan);
    return graph.nodes.flatMap((node) => {
      const text = historyOf(node.id, runs);
      const line = node.selectionRange.start.line;
      if (text === undefined || line >= editor.document.lineCount) {
        return [];
      }
      const { end } = editor.document.lineAt(line).range;
      return [{ range: new vscode.Range(end, end), renderOptions: { after: { contentText: text } } }];
    });
  }
}
