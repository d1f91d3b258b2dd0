// What the status item says. Pure.

export type ServerState =
  | { readonly kind: "starting" }
  | { readonly kind: "running"; readonly name: string; readonly version: string | undefined }
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
      return {
        text: state.version === undefined ? state.name : `${state.name} ${state.version}`,
        detail: "language server",
        severity: "information",
        busy: false,
      };
    case "stopped":
      return { text: "dslc", detail: "stopped", severity: "warning", busy: false };
    case "failed":
      return { text: "dslc", detail: state.message, severity: "error", busy: false };
  }
}
