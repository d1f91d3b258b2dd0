// The runs view: runs, newest first; in each what waits for a person, then its nodes.

import * as vscode from "vscode";
import type { KeptRun, RunHistory } from "./history";
import { approversOf, describeNode, describeRun, iconOf, isLive, type RunGate, type RunNode, type RunQuestion } from "./model";

export type Item =
  | { readonly kind: "run"; readonly run: KeptRun }
  | { readonly kind: "gate"; readonly run: KeptRun; readonly gate: RunGate }
  | { readonly kind: "question"; readonly run: KeptRun; readonly question: RunQuestion }
  | { readonly kind: "node"; readonly run: KeptRun; readonly node: RunNode };

export class RunsTree implements vscode.TreeDataProvider<Item>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Item>;
  private readonly following: vscode.Disposable;

  constructor(private readonly history: RunHistory) {
    this.view = vscode.window.createTreeView("dslc.runs", { treeDataProvider: this });
    this.following = history.onChange(() => {
      this.changed.fire();
      this.showWaiting();
    });
  }

  dispose(): void {
    this.following.dispose();
    this.view.dispose();
    this.changed.dispose();
  }

  getTreeItem(item: Item): vscode.TreeItem {
    switch (item.kind) {
      case "run":
        return runItem(item.run);
      case "gate":
        return gateItem(item.gate, item.run);
      case "question":
        return questionItem(item.question, item.run);
      case "node":
        return nodeItem(item.node, item.run);
    }
  }

  async getChildren(item?: Item): Promise<Item[]> {
    if (item === undefined) {
      return this.history.all().map((run) => ({ kind: "run", run }));
    }
    if (item.kind !== "run") {
      return [];
    }
    const run = await this.history.load(item.run);
    const gates = run.gates.filter(waits).map((gate): Item => ({ kind: "gate", run, gate }));
    const questions = open(run).map((question): Item => ({ kind: "question", run, question }));
    const nodes = (run.nodes ?? []).map((node): Item => ({ kind: "node", run, node }));
    return [...gates, ...questions, ...nodes];
  }

  /** The number of open questions, on the view's icon. */
  private showWaiting(): void {
    const live = this.history.all().filter(isLive);
    const gates = live.flatMap((run) => run.gates.filter(waits)).length;
    const questions = live.flatMap(open).length;
    const value = gates + questions;
    const tooltip = value === 1 ? "1 question waits for people" : `${value} questions wait for people`;
    this.view.badge = value === 0 ? undefined : { value, tooltip };
  }
}

function waits(gate: RunGate): boolean {
  return gate.status === "waiting" || gate.status === "blocked";
}

/** What tasks wait to be told. */
function open(run: KeptRun): readonly RunQuestion[] {
  return (run.questions ?? []).filter((question) => question.status === "waiting");
}

function runItem(run: KeptRun): vscode.TreeItem {
  const item = new vscode.TreeItem(run.plan, vscode.TreeItemCollapsibleState.Collapsed);
  item.id = run.run;
  item.description = describeRun(run, Date.now());
  item.tooltip = run.run;
  item.iconPath = icon(run.status);
  item.contextValue = isLive(run) ? `run-live-${run.status}` : "run-ended";
  return item;
}

function gateItem(gate: RunGate, run: KeptRun): vscode.TreeItem {
  const item = new vscode.TreeItem(gate.title ?? gate.id);
  item.id = `${run.run}?${gate.id}`;
  item.description = `waits for ${approversOf(gate).join(" or ") || "a decision"}`;
  item.iconPath = new vscode.ThemeIcon("question", new vscode.ThemeColor("charts.yellow"));
  item.contextValue = "gate-waiting";
  return item;
}

function questionItem(question: RunQuestion, run: KeptRun): vscode.TreeItem {
  const item = new vscode.TreeItem(question.title ?? question.id);
  item.id = `${run.run}?${question.id}`;
  item.description = question.question;
  item.tooltip = question.question;
  item.iconPath = new vscode.ThemeIcon("comment-discussion", new vscode.ThemeColor("charts.yellow"));
  item.contextValue = "question-waiting";
  return item;
}

function nodeItem(node: RunNode, run: KeptRun): vscode.TreeItem {
  const item = new vscode.TreeItem(node.id);
  item.id = `${run.run}/${node.id}`;
  item.description = describeNode(node);
  item.iconPath = icon(node.status);
  item.contextValue = node.attempts > 0 ? "node-ran" : "node";
  return item;
}

function icon(status: string): vscode.ThemeIcon {
  const { icon: name, colour } = iconOf(status);
  return new vscode.ThemeIcon(name, colour === undefined ? undefined : new vscode.ThemeColor(colour));
}
