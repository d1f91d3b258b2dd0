// What people do to runs: start one, answer a gate, pause, resume, cancel, read its report or a log. All of it is `dslc` at work.

import * as path from "node:path";
import * as vscode from "vscode";
import type { Graph } from "../graph/model";
import { isTarget } from "../lens";
import { complaint, runProgram } from "../program";
import { LANGUAGE, type Session } from "../session";
import type { RunHistory } from "./history";
import { approversOf } from "./model";
import { askedFor, checkParam, type Param } from "./params";
import { inTerminal } from "./terminal";
import type { Item } from "./tree";

type Of<K extends Item["kind"]> = Extract<Item, { kind: K }>;

export function runCommands(session: Session, history: RunHistory): vscode.Disposable[] {
  const onRun = (verb: string) => onItem<"run">(({ run }) => history.act([verb, run.run], run.dir));
  return [
    vscode.commands.registerCommand("dslc.newPlan", newPlan),
    vscode.commands.registerCommand("dslc.run", (target?: unknown) => start(session, history, target)),
    vscode.commands.registerCommand("dslc.runs.refresh", () => history.refresh()),
    vscode.commands.registerCommand("dslc.runs.approve", onItem<"gate">((item) => decide(history, item, "approve"))),
    vscode.commands.registerCommand("dslc.runs.reject", onItem<"gate">((item) => decide(history, item, "reject"))),
    vscode.commands.registerCommand("dslc.runs.answer", onItem<"question">((item) => answer(history, item))),
    vscode.commands.registerCommand("dslc.runs.pause", onRun("pause")),
    vscode.commands.registerCommand("dslc.runs.resume", onItem<"run">((item) => resume(session, history, item))),
    vscode.commands.registerCommand("dslc.runs.cancel", onItem<"run">((item) => cancel(history, item))),
    vscode.commands.registerCommand("dslc.runs.report", onItem<"run">((item) => report(history, item))),
    vscode.commands.registerCommand("dslc.runs.log", onItem<"node">((item) => log(history, item))),
  ];
}

/** What a menu of the runs view does. A list that is drawn anew while its menu is open leaves it without an item. */
function onItem<K extends Item["kind"]>(act: (item: Of<K>) => Thenable<unknown>): (item?: Of<K>) => Thenable<unknown> {
  return (item) => (item === undefined ? vscode.window.showInformationMessage("The list of runs has just changed: try again.") : act(item));
}

/** An untitled plan with something in it that checks and runs. */
async function newPlan(): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ language: LANGUAGE, content: "" });
  const editor = await vscode.window.showTextDocument(document);
  const lines = [
    'plan ${1:my-plan} "${2:What it is for}"',
    "",
    '  task ${3:first} "${4:What it does}"',
    "    timeout: ${5:1m}",
    "    run: |",
    "      echo ${6:hello}",
    "    expect:",
    '      - ${7:stdout != ""}',
    "",
  ];
  await editor.insertSnippet(new vscode.SnippetString(lines.join("\n")));
}

/** Runs the plan at the cursor in a terminal, once it is saved and its parameters are known. */
async function start(session: Session, history: RunHistory, target: unknown): Promise<void> {
  const asked = isTarget(target)
    ? await vscode.window.showTextDocument(vscode.Uri.parse(target.uri))
    : vscode.window.activeTextEditor;
  const command = session.command;
  if (asked === undefined || asked.document.languageId !== LANGUAGE) {
    const newPlan = "New Plan";
    if ((await vscode.window.showInformationMessage("Open a plan to run it.", newPlan)) === newPlan) {
      await vscode.commands.executeCommand("dslc.newPlan");
    }
    return;
  }
  if (command === undefined) {
    void vscode.window.showErrorMessage("There is no dslc to run it with: set dslc.path to the program.");
    return;
  }
  const editor = await saved(asked);
  if (editor === undefined) {
    return;
  }
  const { fsPath } = editor.document.uri;
  const dir = vscode.workspace.getWorkspaceFolder(editor.document.uri)?.uri.fsPath ?? path.dirname(fsPath);
  const plan = isTarget(target) ? target.plan : await planAt(session, editor);
  const which = plan ? [plan] : [];
  const compiled = await runProgram(command, ["compile", fsPath, ...which], dir);
  if (compiled.code !== 0) {
    void vscode.window.showErrorMessage(`This plan cannot be run: ${complaint(compiled)}`);
    return;
  }
  const params = await askForParams((JSON.parse(compiled.stdout) as { params?: Param[] }).params ?? []);
  if (params === undefined) {
    return;
  }
  const args = ["run", fsPath, ...which, ...params.flatMap((param) => ["--param", param])];
  const name = `run ${which[0] ?? path.basename(fsPath, ".plan")}`;
  await inTerminal({ name, command, args, dir });
  history.expect();
}

/** The same text in a file: what runs is the file. Absent if the person gave up; a plan that has no file yet gets one. */
async function saved(editor: vscode.TextEditor): Promise<vscode.TextEditor | undefined> {
  const file = await vscode.workspace.save(editor.document.uri);
  return file === undefined ? undefined : vscode.window.showTextDocument(file);
}

/** The name of the plan at the cursor; empty of a file's implicit plan. */
async function planAt(session: Session, { document, selection }: vscode.TextEditor): Promise<string | undefined> {
  const { line, character } = selection.active;
  const graph = await session.ask<Graph | null>("dslc/graph", {
    textDocument: { uri: document.uri.toString() },
    position: { line, character },
  });
  return graph?.plan;
}

/** `name=value` for each parameter without a default; absent if the person gave up. */
async function askForParams(params: readonly Param[]): Promise<string[] | undefined> {
  const given: string[] = [];
  for (const param of params.filter(askedFor)) {
    const value = await vscode.window.showInputBox({
      title: `Parameter ${param.name}`,
      prompt: param.doc ?? `A value for ${param.name}.`,
      ignoreFocusOut: true,
      validateInput: (text) => checkParam(param, text),
    });
    if (value === undefined) {
      return undefined;
    }
    given.push(`${param.name}=${value}`);
  }
  return given;
}

async function decide(history: RunHistory, { run, gate }: Of<"gate">, verb: "approve" | "reject"): Promise<void> {
  const approvers = approversOf(gate);
  const as = approvers.length === 1 ? approvers[0] : await whoever(approvers);
  if (as === undefined) {
    return;
  }
  const choice = verb === "approve" ? await choose(gate.options ?? []) : [];
  if (choice === undefined) {
    return;
  }
  const because = await vscode.window.showInputBox({
    title: `${verb === "approve" ? "Approve" : "Reject"} “${gate.title ?? gate.id}” as ${as}`,
    prompt: "Why? The reason is recorded with the decision.",
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() === "" ? "A decision needs a reason." : undefined),
  });
  if (because !== undefined) {
    await history.act([verb, run.run, gate.id, "--as", as, "--because", because, ...choice], run.dir);
  }
}

/** One box a field; `dslc` knows their types, and refuses what does not fit. */
async function answer(history: RunHistory, { run, question }: Of<"question">): Promise<void> {
  const given: string[] = [];
  for (const { name, type, optional } of question.fields) {
    const title = `${question.title ?? question.id}: ${question.question}`;
    const value =
      name === "answer" && question.options.length > 0
        ? await vscode.window.showQuickPick([...question.options], { title })
        : await vscode.window.showInputBox({ title, prompt: `${name}: ${type}`, ignoreFocusOut: true });
    if (value === undefined) {
      return;
    }
    if (value !== "" || optional !== true) {
      given.push(`${name}=${value}`);
    }
  }
  const because = await vscode.window.showInputBox({
    title: `Answer “${question.title ?? question.id}”`,
    prompt: "Why? A reason is recorded with the answer; leave it empty if there is nothing to say.",
    ignoreFocusOut: true,
  });
  if (because !== undefined) {
    const why = because.trim() === "" ? [] : ["--because", because];
    await history.act(["answer", run.run, question.id, ...given, ...why], run.dir);
  }
}

function whoever(approvers: readonly string[]): Thenable<string | undefined> {
  return approvers.length > 1
    ? vscode.window.showQuickPick([...approvers], { title: "Who decides?" })
    : vscode.window.showInputBox({ title: "Who decides?", prompt: "A principal, as in role/release.", ignoreFocusOut: true });
}

async function choose(options: readonly { name: string; title?: string | null; note?: string | null }[]): Promise<string[] | undefined> {
  if (options.length === 0) {
    return [];
  }
  const picks = options.map(({ name, title, note }) => ({ label: name, description: title ?? "", detail: note ?? "" }));
  const picked = await vscode.window.showQuickPick(picks, { title: "Which option?" });
  return picked === undefined ? undefined : ["--choose", picked.label];
}

async function resume(session: Session, history: RunHistory, { run }: Of<"run">): Promise<void> {
  const command = session.command;
  if (command !== undefined) {
    await inTerminal({ name: `resume ${run.plan}`, command, args: ["resume", run.run], dir: run.dir });
    history.expect();
  }
}

async function cancel(history: RunHistory, { run }: Of<"run">): Promise<void> {
  const yes = "Cancel the Run";
  const chosen = await vscode.window.showWarningMessage(`Cancel ${run.plan}? What runs is stopped.`, { modal: true }, yes);
  if (chosen === yes) {
    await history.act(["cancel", run.run], run.dir);
  }
}

async function report(history: RunHistory, { run }: Of<"run">): Promise<void> {
  const outcome = await history.print(["report", run.run], run.dir);
  if (outcome !== undefined) {
    const document = await vscode.workspace.openTextDocument({ language: "markdown", content: outcome.stdout });
    await vscode.commands.executeCommand("markdown.showPreview", document.uri);
  }
}

async function log(history: RunHistory, { run, node }: Of<"node">): Promise<void> {
  const outcome = await history.print(["logs", run.run, node.id], run.dir);
  if (outcome !== undefined) {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: "log", content: outcome.stdout }), { preview: true });
  }
}
