// What the status item says. Pure.

export type ServerState =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly name: string; readonly version: string | undefined; readonly wanted: string }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly message: string };

export interface StatusText {
  readonly text: string;
  readonly detail: string;
  readonly severity: "information" | "warning" | "error";
  readonly busy: boolean;
}

export function statusText(state: ServerState): StatusText {
  switch (state.kind) {
    case "starting":
      return { text: "dslc", detail: "starting", severity: "information", busy: true };
    case "running":
      return running(state.name, state.version, state.wanted);
    case "stopped":
      return { text: "dslc", detail: "stopped", severity: "warning", busy: false };
    case "failed":
      return { text: "dslc", detail: state.message, severity: "error", busy: false };
  }
}

function running(name: string, version: string | undefined, wanted: string): StatusText {
  const text = version === undefined ? name : `${name} ${version}`;
  if (version !== undefined && !matches(version, wanted)) {
    const detail = `this extension is made for ${name} ${wanted}: install that, or set dslc.path to it`;
    return { text, detail, severity: "warning", busy: false };
  }
  return { text, detail: "language server", severity: "information", busy: false };
}

/** Versions that speak the same protocol: major and minor are alike. */
function matches(version: string, wanted: string): boolean {
  const line = (text: string) => text.split(/[-+]/, 1)[0]?.split(".").slice(0, 2).join(".");
  return line(version) === line(wanted);
}
