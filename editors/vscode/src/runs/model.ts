// Runs as `dslc runs --json` and `dslc show --json` print them, in words and icons. Pure.

export interface Run {
  readonly run: string;
  readonly plan: string;
  readonly version: string | null;
  readonly status: string;
  readonly started: string;
  readonly duration_ms: number | null;
  readonly nodes?: readonly RunNode[];
  readonly gates: readonly RunGate[];
  readonly questions?: readonly RunQuestion[];
}

export interface RunNode {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly attempts: number;
  readonly duration_ms: number | null;
  readonly error: { readonly kind: string; readonly message: string } | null;
}

export interface RunGate {
  readonly id: string;
  readonly status: string;
  readonly approver?: string | null;
  readonly approvers?: readonly string[];
  readonly title?: string | null;
  readonly options?: readonly { readonly name: string; readonly title?: string | null; readonly note?: string | null }[];
}

/** What a task asks people. */
export interface RunQuestion {
  readonly id: string;
  readonly status: string;
  readonly question: string;
  readonly title?: string | null;
  readonly options: readonly string[];
  readonly fields: readonly { readonly name: string; readonly type: string; readonly optional?: boolean }[];
}

/** A run that may still change. */
export function isLive(run: Run): boolean {
  return !["completed", "failed", "cancelled"].includes(run.status);
}

/** A run that changes unless somebody stops it. One that waits for a person, is paused or interrupted does not. */
export function moves(run: Run): boolean {
  return run.status === "running" || run.status === "pending";
}

/** The principals who may answer a gate. */
export function approversOf(gate: RunGate): readonly string[] {
  return gate.approvers ?? (gate.approver == null ? [] : gate.approver.split(/,\s*/));
}

/** The name of an icon and of a colour of the theme. */
export function iconOf(status: string): { readonly icon: string; readonly colour?: string } {
  switch (status) {
    case "completed":
      return { icon: "pass", colour: "charts.green" };
    case "failed":
      return { icon: "error", colour: "charts.red" };
    case "running":
      return { icon: "loading~spin", colour: "charts.blue" };
    case "waiting":
    case "blocked":
    case "interrupted":
      return { icon: "warning", colour: "charts.yellow" };
    case "paused":
      return { icon: "debug-pause", colour: "charts.yellow" };
    case "skipped":
    case "cancelled":
      return { icon: "circle-slash" };
    default:
      return { icon: "circle-outline" };
  }
}

/** What stands in the gutter beside a node. */
export type Sign = "running" | "waiting" | "completed" | "failed" | "skipped";

/** The sign of a node's status; none while nothing has become of it. */
export function signOf(status: string): Sign | undefined {
  switch (status) {
    case "running":
    case "completed":
    case "failed":
    case "skipped":
      return status;
    case "waiting":
    case "blocked":
      return "waiting";
    case "cancelled":
      return "skipped";
    default:
      return undefined;
  }
}

/** `80 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function span(ms: number): string {
  if (ms < 1000) {
    return `${Math.round(ms)} ms`;
  }
  if (ms < 60_000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  const seconds = Math.round(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

/** `just now`, `5 min ago`, `3 h ago`, `2 days ago`. */
export function ago(then: string, nowMs: number): string {
  const minutes = Math.floor((nowMs - Date.parse(then)) / 60_000);
  if (!(minutes >= 1)) {
    return "just now";
  }
  if (minutes < 60) {
    return `${minutes} min ago`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}

/** What stands behind a run's name. */
export function describeRun(run: Run, nowMs: number): string {
  // until it ends, what is known is when it last moved
  const took = run.duration_ms === null || isLive(run) ? [] : [span(run.duration_ms)];
  return [run.status, ...took, ago(run.started, nowMs)].join(" · ");
}

/** What stands behind a node's name. */
export function describeNode(node: RunNode): string {
  const took = node.duration_ms === null ? [] : [span(node.duration_ms)];
  const tries = node.attempts > 1 ? [`${node.attempts} attempts`] : [];
  const why = node.error === null ? [] : [node.error.message];
  return [node.status, ...took, ...tries, ...why].join(" · ");
}
