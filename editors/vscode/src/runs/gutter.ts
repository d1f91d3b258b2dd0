// How each node last went, behind its header; while a run goes on, and afterwards until the editor is closed, also as a sign in the gutter.

import * as vscode from "vscode";
import type { Graph } from "../graph/model";
import { LANGUAGE, type Session } from "../session";
import type { RunHistory } from "./history";
import { historyOf, signOf, type Sign } from "./model";

const PAUSE_MS = 300;

/** Signs that are read in a light and in a dark gutter. */
const SIGNS: Record<Sign, string> = {
  running: '<path fill="none" stroke="#3794ff" stroke-width="2" d="M8 3a5 5 0 1 1-5 5"/><circle cx="8" cy="8" r="2" fill="#3794ff"/>',
  waiting: '<circle cx="8" cy="8" r="5" fill="#d18616"/><path stroke="#fff" stroke-width="1.6" fill="none" d="M6.5 5.5v5M9.5 5.5v5"/>',
  completed: '<circle cx="8" cy="8" r="5" fill="#388a34"/><path stroke="#fff" stroke-width="1.6" fill="none" d="M5.5 8l2 2 3-4"/>',
  failed: '<circle cx="8" cy="8" r="5" fill="#d13438"/><path stroke="#fff" stroke-width="1.6" fill="none" d="M6 6l4 4M10 6l-4 4"/>',
  skipped: '<circle cx="8" cy="8" r="4.2" fill="none" stroke="#888" stroke-width="1.4"/><path stroke="#888" stroke-width="1.4" d="M5.2 10.8l5.6-5.6"/>',
};

export class Gutter implements vscode.Disposable {
  private readonly behind = vscode.window.createTextEditorDecorationType({
    after: { margin: "0 0 0 3em", color: new vscode.ThemeColor("editorCodeLens.foreground") },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
  private readonly signs = new Map(
    (Object.keys(SIGNS) as Sign[]).map((sign) => [sign, vscode.window.createTextEditorDecorationType({ gutterIconPath: picture(sign), gutterIconSize: "85%" })]),
  );
  private readonly disposables: vscode.Disposable[] = [this.behind, ...this.signs.values()];
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
      const { behind, signs } = await this.notes(editor);
      editor.setDecorations(this.behind, behind);
      for (const [sign, type] of this.signs) {
        editor.setDecorations(type, signs.get(sign) ?? []);
      }
    }
  }

  private async notes(editor: vscode.TextEditor): Promise<Notes> {
    const notes: Notes = { behind: [], signs: new Map([...this.signs.keys()].map((sign) => [sign, []])) };
    if (this.history.all().length === 0) {
      return notes;
    }
    const { active } = editor.selection;
    const graph = await this.session.ask<Graph | null>("dslc/graph", {
      textDocument: { uri: editor.document.uri.toString() },
      position: { line: active.line, character: active.character },
    });
    if (graph == null) {
      return notes;
    }
    const runs = this.history.runsOf(editor.document.uri, graph.plan);
    const [newest] = runs;
    const fresh = newest !== undefined && this.history.isFresh(newest) ? newest : undefined;
    const went = new Map(fresh?.nodes?.map((node) => [node.id, signOf(node.status)]));
    for (const { id, selectionRange } of graph.nodes.filter((node) => node.selectionRange.start.line < editor.document.lineCount)) {
      const { end } = editor.document.lineAt(selectionRange.start.line).range;
      const text = historyOf(id, runs);
      if (text !== undefined) {
        notes.behind.push({ range: new vscode.Range(end, end), renderOptions: { after: { contentText: text } } });
      }
      const sign = went.get(id);
      if (sign !== undefined) {
        notes.signs.get(sign)?.push(new vscode.Range(end, end));
      }
    }
    return notes;
  }
}

interface Notes {
  readonly behind: vscode.DecorationOptions[];
  readonly signs: Map<Sign, vscode.Range[]>;
}

function picture(sign: Sign): vscode.Uri {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${SIGNS[sign]}</svg>`;
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`);
}
