// The packaged extension in VS Code itself: goes through the journey, keeps a picture of each step, and says what was not seen.
//
// If one is missed, VS Code's own logs are kept beside the pictures.
//
// DSLC: the program; VSIX: the package; TOOLS: where code-server and playwright-core are installed; CHROMIUM: the browser; PICTURES: where they go.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { startCodeServer } from "./code-server.mjs";
import { dslcIn, STEPS } from "./journey.mjs";
import { Workbench } from "./workbench.mjs";

/** For each thing that is waited for. A loaded machine takes ten times as long as an idle one. */
const PATIENCE_MS = Number(process.env.DEVP ?? 90_000);
const BROWSER = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const { DSLC: dslc, VSIX: vsix, TOOLS: tools, CHROMIUM: chromium, PICTURES: pictures } = process.env;
const home = mkdtempSync(path.join(os.tmpdir(), "dslc-vscode-"));
const folder = path.join(home, "workspace");
cpSync(path.join(import.meta.dirname, "workspace"), folder, { recursive: true });
cpSync(path.join(import.meta.dirname, "../../../examples/repo-audit.plan"), path.join(folder, "repo-audit.plan"));
rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });

const started = Date.now();
const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
const server = await startCodeServer({ tools, home, vsix, dslc, patienceMs: PATIENCE_MS });
let browser;
try {
  const { chromium: driver } = createRequire(path.join(tools, "package.json"))("playwright-core");
  // As root, Chromium has no sandbox.
  const args = process.getuid?.() === 0 ? [...BROWSER, "--no-sandbox"] : BROWSER;
  browser = await driver.launch({ executablePath: chromium, args, timeout: PATIENCE_MS });
  const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${server.address}/?folder=${folder}`);
  const vscode = new Workbench(page, folder, PATIENCE_MS);
  vscode.program = dslc;
  vscode.machine = server.machine;
  vscode.dslc = dslcIn(folder, dslc);
  vscode.look = (name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });
  process.exitCode = await walk(vscode);
} finally {
  await browser?.close();
  server.stop();
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}

async function walk(vscode) {
  for (const [index, [name, step]] of STEPS.entries()) {
    const picture = `${index + 1}-${name.replaceAll(/[^a-z]+/g, "-")}`;
    try {
      await step(vscode);
      await vscode.look(picture);
      console.log(`ok ${name} (${seconds()})`);
    } catch (error) {
      await vscode.look(`failed-${picture}`).catch(() => undefined);
      cpSync(path.join(home, "user-data/logs"), path.join(pictures, "logs"), { recursive: true });
      console.log(`FAILED ${name} (${seconds()}), see failed-${picture}.png in ${pictures}\n${String(error?.stack ?? error).slice(0, 1500)}`);
      return 1;
    }
  }
  return 0;
}
