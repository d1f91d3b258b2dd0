// VS Code in a browser: a server of its own, with its own settings and nothing installed but our extension.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const SETTINGS = {
  "security.workspace.trust.enabled": false,
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": "off",
  "chat.disableAIFeatures": true,
  "editor.minimap.enabled": false,
};

/** Installs the packaged extension, starts the server and gives its address, what sets the machine's settings, and what ends it. */
export async function startCodeServer({ tools, home, vsix, dslc, patienceMs }) {
  const entry = path.join(tools, "node_modules/code-server/out/node/entry.js");
  const data = path.join(home, "user-data");
  const folders = ["--user-data-dir", data, "--extensions-dir", path.join(home, "extensions")];
  const env = {
    ...process.env,
    XDG_CONFIG_HOME: path.join(home, "config"),
    XDG_DATA_HOME: path.join(home, "data"),
  };
  const write = (whose, settings) => {
    mkdirSync(path.join(data, whose), { recursive: true });
    writeFileSync(path.join(data, whose, "settings.json"), JSON.stringify(settings, undefined, 2));
  };
  write("User", SETTINGS);
  // Programs are settings of the machine: in a browser, VS Code drops them from those of the person sooner or later.
  write("Machine", { "dslc.path": dslc });
  execFileSync(process.execPath, [entry, ...folders, "--install-extension", vsix], { env, stdio: ["ignore", "ignore", "inherit"], timeout: patienceMs });
  const options = ["--auth", "none", "--bind-addr", "127.0.0.1:0", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"];
  // A group of its own, so that all of it ends with us.
  const child = spawn(process.execPath, [entry, ...options, ...folders], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const address = await said(child, /HTTP server listening on (http:\S+)/, patienceMs);
  return { address: address.replace(/\/$/, ""), machine: (settings) => write("Machine", settings), stop: () => process.kill(-child.pid, "SIGTERM") };
}

/** What the pattern finds in the output of a process. */
function said(child, pattern, patienceMs) {
  return new Promise((resolve, reject) => {
    let output = "";
    const hear = (bytes) => {
      output += bytes;
      const found = pattern.exec(output)?.[1];
      if (found !== undefined) {
        resolve(found);
      }
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`code-server ended with ${code}:\n${output}`)));
    setTimeout(() => reject(new Error(`code-server does not answer:\n${output}`)), patienceMs).unref();
  });
}
