// How each node goes while a run goes on, as a sign in the gutter; it stays until the editor is closed. How it last went, in words, is a lens
// of the server.

import * as vscode from "vscode";
import type { Graph } from "../graph/model";
import { LANGUAGE, type Session } from "../session";
import type { RunHistory } from "./history";
import { signOf, type Sign } from "./model";

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
  private readonly signs = new Map(
    (Object.keys(SIGNS) as Sign[]).map((sign) => [sign, vscode.window.createTextEditorDecorationType({ gutterIconPath: picture(sign), gutterIconSize: "85%" })]),
  );
  private readonly disposables: vscode.Disposable[] = [...this.signs.values()];
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
      const ranges = await this.ranges(editor);
      for (const [sign, type] of this.signs) {
        editor.setDecorations(type, ranges.get(sign) ?? []);
      }
    }
  }

  private async ranges(editor: vscode.TextEditor): Promise<Map<Sign, vscode.Range[]>> {
    const found = new Map([...this.signs.keys()].map((sign): [Sign, vscode.Range[]] => [sign, []]));
    if (!this.history.all().some((run) => this.history.isFresh(run))) {
      return found;
    }
    const { active } = editor.selection;
    const graph = await this.session.ask<Graph | null>("dslc/graph", {
      textDocument: { uri: editor.document.uri.toString() },
      position: { line: active.line, character: active.character },
    });
    if (graph == null) {
      return found;
    }
    const run = this.history.latestOf(editor.document.uri, graph.plan);
    const nodes = run !== undefined && this.history.isFresh(run) ? (run.nodes ?? []) : [];
    const went = new Map(nodes.map((node) => [node.id, signOf(node.status)]));
    for (const { id, selectionRange } of graph.nodes) {
      const sign = went.get(id);
      const { line } = selectionRange.start;
      if (sign !== undefined && line < editor.document.lineCount) {
        found.get(sign)?.push(new vscode.Range(line, 0, line, 0));
      }
    }
    return found;
  }
}

function picture(sign: Sign): vscode.Uri {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${SIGNS[sign]}</svg>`;
  return vscode.Uri.parse(`data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`);
}
