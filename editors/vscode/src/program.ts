// Runs `dslc` for one answer. Nothing is passed through a shell.

import { execFile } from "node:child_process";

/** More than the summary of any run that a person looks at. */
const OUTPUT_MAX = 64 * 1024 * 1024;

export interface Outcome {
  /** Absent if the program did not start. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export function runProgram(command: string, args: readonly string[], dir: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: dir, maxBuffer: OUTPUT_MAX, env: { ...process.env, NO_COLOR: "1" } };
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
      resolve({ code, stdout, stderr: stderr === "" && code === undefined ? String(error) : stderr });
    });
    child.stdin?.end();
  });
}

/** The objects of an output that has one a line; lines that are none are left out. */
export function jsonLines<T>(text: string): T[] {
  return text.split("\n").flatMap((line) => {
    try {
      return line.trim() === "" ? [] : [JSON.parse(line) as T];
    } catch {
      return [];
    }
  });
}

/** What a program that failed said, for a message: its first line, without the word that all errors start with. */
export function complaint(outcome: Outcome): string {
  const line = outcome.stderr.split("\n").find((text) => text.trim() !== "");
  return line === undefined ? `dslc ended with ${outcome.code ?? "an error"}` : line.replace(/^error(\[[\w-]+\])?: /, "");
}
