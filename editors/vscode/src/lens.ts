// What stands behind the lenses of the server, where VS Code has something better to offer than the server.

import * as vscode from "vscode";
import type { Session } from "./session";
import type { PlanTests } from "./tests/controller";

/** Commands that this extension carries out: the server does not offer them. */
export const OWN_COMMANDS: readonly string[] = ["dslc.run", "dslc.test", "dslc.references"];

/** What a lens is about. */
export interface Target {
  readonly uri: string;
  /** Empty of a file's implicit plan. */
  readonly plan?: string;
  readonly test?: string;
  readonly position?: { readonly line: number; readonly character: number };
}

/** Commands are also called from menus, with what is selected there. */
export function isTarget(argument: unknown): argument is Target {
  return typeof argument === "object" && argument !== null && typeof (argument as Target).uri === "string";
}

export function lensCommands(session: Session, tests: PlanTests): vscode.Disposable[] {
  return [
    vscode.commands.registerCommand("dslc.test", async ({ uri, test }: Target) => {
      if (!(await tests.runOne(vscode.Uri.parse(uri), test ?? ""))) {
        void vscode.window.showWarningMessage("Save the plan before it is tested.");
      }
    }),
    vscode.commands.registerCommand("dslc.references", (target: Target) => showReferences(session, target)),
  ];
}

interface Place {
  readonly uri: string;
  readonly range: { readonly start: { line: number; character: number }; readonly end: { line: number; character: number } };
}

async function showReferences(session: Session, { uri, position }: Target): Promise<void> {
  if (position === undefined) {
    return;
  }
  const found = await session.ask<readonly Place[] | null>("textDocument/references", {
    textDocument: { uri },
    position,
    context: { includeDeclaration: false },
  });
  const places = (found ?? []).map(
    ({ uri, range: { start, end } }) =>
      new vscode.Location(vscode.Uri.parse(uri), new vscode.Range(start.line, start.character, end.line, end.character)),
  );
  const at = new vscode.Position(position.line, position.character);
  await vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), at, places);
}
