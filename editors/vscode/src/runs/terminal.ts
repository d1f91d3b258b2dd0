// Where a run is watched: a terminal of a VS Code task. What it printed stays to be read when it ends, however it ends; a terminal that
// belongs to no task closes at once, or complains of an exit code that only scripts want to know.

import * as vscode from "vscode";

/** Of tasks that only this extension starts, so no manifest names it. */
const TYPE = "dslc";

export interface Watched {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly dir: string;
}

let started = 0;

/** Starts the program beside whatever goes on already. */
export async function inTerminal({ name, command, args, dir }: Watched): Promise<void> {
  // tasks that are told apart do not ask whether to restart each other
  started += 1;
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(dir)) ?? vscode.TaskScope.Global;
  const program = new vscode.ProcessExecution(command, [...args], { cwd: dir });
  const task = new vscode.Task({ type: TYPE, started }, folder, name, "dslc", program, []);
  task.presentationOptions = {
    reveal: vscode.TaskRevealKind.Always,
    panel: vscode.TaskPanelKind.Shared,
    echo: false,
    focus: false,
    clear: false,
    showReuseMessage: false,
  };
  await vscode.tasks.executeTask(task);
}
