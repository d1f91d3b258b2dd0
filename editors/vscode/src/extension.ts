// Puts the parts together. Anything clever lives in the server and in `dslc`.

import * as vscode from "vscode";
import { GraphPanel } from "./graph/panel";
import { lensCommands } from "./lens";
import { Gutter } from "./runs/gutter";
import { runCommands } from "./runs/commands";
import { RunHistory } from "./runs/history";
import { RunsTree } from "./runs/tree";
import { ruleOfPage } from "./rule";
import { RULE_SCHEME, Session } from "./session";
import { PlanTests } from "./tests/controller";

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const session = new Session(context);
  const history = new RunHistory(session);
  const tree = new RunsTree(history);
  const tests = new PlanTests(session);
  context.subscriptions.push(
    session,
    history,
    tree,
    new Gutter(session, history),
    tests,
    ...lensCommands(session, tests),
    ...runCommands(session, history),
    vscode.commands.registerCommand("dslc.restart", () => session.restart()),
    vscode.commands.registerCommand("dslc.showOutput", () => session.showOutput()),
    vscode.commands.registerCommand("dslc.walkthrough", () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`),
    ),
    vscode.commands.registerCommand("dslc.showGraph", () => GraphPanel.show(context, session, history)),
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
