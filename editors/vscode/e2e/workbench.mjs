// What a person does in VS Code, and what they see there. Everything waits for what it needs, and gives up with what was seen instead.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const BREATH_MS = 100;
/** A key that is pressed while the focus is on its way is lost; after that long it is pressed again. */
const LOST_MS = 6_000;

export class Workbench {
  constructor(page, folder, patienceMs) {
    this.page = page;
    this.folder = folder;
    this.patienceMs = patienceMs;
  }

  /** Asks until the answer is neither empty nor false. */
  async until(what, ask) {
    const end = Date.now() + this.patienceMs;
    for (;;) {
      const answer = await ask();
      if (answer) {
        return answer;
      }
      if (Date.now() > end) {
        throw new Error(`${what}: not seen within ${this.patienceMs / 1000} s`);
      }
      await this.page.waitForTimeout(BREATH_MS);
    }
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  /** Presses a key until what it opens is there. */
  pressFor(key, opened) {
    return this.tryFor(key, () => this.press(key), opened);
  }

  /** Clicks until it is seen that something heard of it: what is drawn anew under the pointer does not. */
  clickUntil(what, clicked, isSeen) {
    return this.tryUntil(what, () => clicked.click(), isSeen);
  }

  /** Opens a row of a tree until one below it is there. */
  expand(row, below) {
    const open = async () => {
      await row.click();
      await this.press("ArrowRight");
    };
    return this.tryFor("a row that opens", open, below);
  }

  /** Presses Escape until something is gone. */
  leave(shown) {
    return this.tryUntil("Escape", () => this.press("Escape"), async () => (await shown.count()) === 0);
  }

  /** The same of a button in a row, which a row that is drawn anew meanwhile does not hear of. */
  clickFor(row, button, opened) {
    const click = async () => {
      await row.hover();
      await row.locator(`.action-label[aria-label^='${button}']`).click();
    };
    return this.tryFor(button, click, opened);
  }

  /** The same of an entry in the menu of a row, which goes unheard while the row is drawn anew, or the menu is. */
  menuFor(row, entry, opened) {
    const choose = async () => {
      await this.press("Escape");
      await row.click({ button: "right" });
      await this.page.getByRole("menuitem", { name: entry }).click({ timeout: LOST_MS }).catch(() => undefined);
    };
    return this.tryFor(entry, choose, opened);
  }

  tryFor(what, act, opened) {
    return this.tryUntil(what, act, () => opened.isVisible());
  }

  /** Does something, and once more if nothing comes of it for a while. */
  async tryUntil(what, act, isSeen, whileMs = LOST_MS) {
    const end = Date.now() + this.patienceMs;
    while (Date.now() < end) {
      await act();
      const lost = Date.now() + whileMs;
      while (Date.now() < lost) {
        if (await isSeen()) {
          return;
        }
        await this.page.waitForTimeout(BREATH_MS);
      }
    }
    throw new Error(`${what}: nothing comes of it`);
  }

  type(text) {
    return this.page.keyboard.type(text);
  }

  rows(text) {
    return this.page.locator(".monaco-list-row", { hasText: text });
  }

  async openFile(name) {
    const row = this.page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
    await this.tryFor(`opening ${name}`, () => row.dblclick(), this.page.locator(".tab.active", { hasText: name }));
    await this.page.locator(".view-line").first().waitFor();
  }

  /** The box at the top of the window. */
  get box() {
    return this.page.locator(".quick-input-widget input.input:focus");
  }

  async answer(text) {
    await this.box.waitFor();
    await this.type(text);
  }

  async command(title) {
    await this.pressFor("F1", this.box);
    await this.type(title);
    await this.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: title }).waitFor();
    await this.press("Enter");
  }

  async goto(line, column) {
    await this.pressFor("Control+g", this.box);
    await this.type(`${line}:${column}`);
    await this.press("Enter");
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
    await this.page.locator(".editor-instance .monaco-editor.focused").waitFor();
    await this.until(`the cursor at ${line}:${column}`, async () => (await this.statusBar()).includes(`Ln ${line}, Col ${column}`));
  }

  statusBar() {
    return this.page.locator(".part.statusbar").innerText();
  }

  async hidePanel() {
    const hide = this.page.locator(".part.panel .action-label[aria-label^='Hide Panel']").first();
    if (await hide.isVisible()) {
      await hide.click();
      await hide.waitFor({ state: "hidden" });
    }
  }

  /** Waits until the status item of the language says something. */
  async languageStatus(text, picture) {
    await this.until(`${text} in the language's status`, async () => {
      await this.page.locator(".view-line").first().hover();
      await this.page.locator("[id='status.languageStatus']").hover();
      const item = this.page.locator(".hover-language-status .element", { hasText: text }).first();
      return item.waitFor({ timeout: LOST_MS }).then(() => true, () => false);
    });
    await this.look(picture);
  }

  /** The process ids of our servers, whose editors are this one. */
  servers() {
    const all = execFileSync("ps", ["-A", "-o", "pid=,args="], { encoding: "utf8" }).split("\n");
    const own = all.map((line) => line.trim().split(/\s+/)).filter(([, program, verb]) => program === this.program && verb === "lsp");
    return own.map(([pid]) => pid);
  }

  /** What terminals show; nothing where they are drawn as pictures. */
  async terminal() {
    const rows = await this.page.locator(".terminal-wrapper .xterm-rows").allInnerTexts();
    return rows.length > 0 ? rows.join("\n") : undefined;
  }

  view(name) {
    return this.page.locator(`.activitybar .action-label[aria-label^='${name}']`).first().click();
  }

  /** Waits until a line is taken apart into its words: what is known of it, such as how to indent the next one, comes with the colours. */
  coloured(line) {
    const words = this.page.locator(".view-line", { hasText: line }).first().locator("span > span");
    return this.until(`the colours of ${line}`, async () => (await words.count()) > 2);
  }

  squiggles() {
    return this.page.locator(".squiggly-error");
  }

  /** A file as it is on disk. */
  read(name) {
    return readFileSync(path.join(this.folder, name), "utf8");
  }

  /** Saves the file in front, and waits until it says so on disk. */
  async save(name, what, isSaved) {
    await this.press("Control+s");
    await this.until(`${name} with ${what}`, () => {
      const text = this.read(name);
      // while it is written the file is empty
      return text !== "" && isSaved(text);
    });
  }

  /** The graph view, which is a page in a page. */
  graph() {
    return this.until("the graph view", async () => {
      for (const frame of this.page.frames()) {
        if ((await frame.locator("g.node").count().catch(() => 0)) > 0) {
          return frame;
        }
      }
      return undefined;
    });
  }
}

/** Line and column, from 1, of a text in another. */
export function placeOf(text, part, within = part) {
  const at = text.indexOf(within) + within.indexOf(part);
  const before = text.slice(0, at).split("\n");
  return [before.length, before.at(-1).length + 1];
}
