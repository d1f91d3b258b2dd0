// Tests as `dslc test` lists and reports them. Pure.

export interface Listed {
  readonly test: string;
  readonly plan: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface Reported extends Listed {
  readonly status: "passed" | "failed";
  readonly duration_ms?: number;
  readonly failures?: readonly Failure[];
}

export interface Failure {
  readonly expectation?: string;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly message?: string;
  readonly line?: number;
}

/** Whether a line of the output is a test; the last one is a summary. */
export function isTest(line: object): line is Listed {
  return "test" in line && "file" in line;
}

/** The same for a test in a list and in a report, whatever else a file holds. VS Code forbids U+0000 in it. */
export function keyOf(test: Listed): string {
  return `${test.line}/${test.plan}/${test.test}`;
}

/** What failed, in words, with both sides where there are two. */
export function explain(failure: Failure): string {
  const head = failure.message ?? failure.expectation ?? "failed";
  const sides = [side("left", failure.left), side("right", failure.right)].filter((line) => line !== "");
  return [head, ...sides].join("\n");
}

function side(name: string, value: unknown): string {
  return value === undefined || value === null ? "" : `  ${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
}
