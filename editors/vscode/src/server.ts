// Which `dslc` serves the language. Pure: what is on disk and in the environment is given by the caller.

import * as path from "node:path";

export interface Surroundings {
  /** The setting `dslc.path`, as written. */
  readonly setting: string;
  /** Where the extension is installed. */
  readonly extensionDir: string;
  /** The first workspace folder, if one is open. */
  readonly workspaceDir: string | undefined;
  readonly homeDir: string;
  /** The variable `PATH`. */
  readonly searchPath: string;
  readonly platform: NodeJS.Platform;
  readonly isExecutable: (file: string) => boolean;
}

export type Found =
  | { readonly kind: "found"; readonly command: string; readonly from: "setting" | "bundled" | "PATH" }
  | { readonly kind: "missing"; readonly message: string };

/** The setting, else the program that came with the extension, else the one on `PATH`. */
export function findServer(where: Surroundings): Found {
  const setting = where.setting.trim();
  if (setting !== "") {
    return fromSetting(setting, where);
  }
  const bundled = path.join(where.extensionDir, "server", programName(where.platform));
  if (where.isExecutable(bundled)) {
    return { kind: "found", command: bundled, from: "bundled" };
  }
  const onPath = searchPath(programName(where.platform), where);
  if (onPath !== undefined) {
    return { kind: "found", command: onPath, from: "PATH" };
  }
  return {
    kind: "missing",
    message: "dslc was not found on PATH. Install it (cargo install --path crates/dslc), or set dslc.path to the program.",
  };
}

function fromSetting(setting: string, where: Surroundings): Found {
  const command = expand(setting, where);
  const isBareName = !setting.includes("/") && !setting.includes("\\");
  const found = isBareName ? searchPath(command, where) : where.isExecutable(command) ? command : undefined;
  return found === undefined
    ? { kind: "missing", message: `dslc.path is "${setting}", but there is no program at ${command}.` }
    : { kind: "found", command: found, from: "setting" };
}

/** Replaces `~` and `${workspaceFolder}`; a relative path starts at the workspace folder. */
function expand(setting: string, where: Surroundings): string {
  let file = setting;
  if (file === "~" || file.startsWith("~/")) {
    file = path.join(where.homeDir, file.slice(1));
  }
  if (where.workspaceDir !== undefined) {
    file = file.replaceAll("${workspaceFolder}", where.workspaceDir);
    if (file.includes("/") && !path.isAbsolute(file)) {
      file = path.join(where.workspaceDir, file);
    }
  }
  return file;
}

function searchPath(program: string, where: Surroundings): string | undefined {
  const separator = where.platform === "win32" ? ";" : ":";
  return where.searchPath
    .split(separator)
    .filter((dir) => dir !== "")
    .map((dir) => path.join(dir, program))
    .find(where.isExecutable);
}

function programName(platform: NodeJS.Platform): string {
  return platform === "win32" ? "dslc.exe" : "dslc";
}
