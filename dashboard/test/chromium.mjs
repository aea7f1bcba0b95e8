// A real Chromium with a profile of its own, and what it noticed: errors, dialogs, requests to elsewhere.
// Must not: know what is looked at.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** `base` is the only address that pages may ask; `close` ends the browser and removes its profile. `more` are arguments. */
export async function browse(base, ...more) {
  const profile = mkdtempSync(join(tmpdir(), "page-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, acceptDownloads: true, viewport: { width: 1280, height: 860 }, args: [...QUIET, ...more],
  });
  // A machine that does other work besides is not broken.
  context.setDefaultTimeout(60_000);
  const seen = { errors: [], elsewhere: [], asked: [], dialogs: 0 };
  const watch = (page) => {
    page.on("dialog", (dialog) => { seen.dialogs += 1; void dialog.dismiss(); });
    page.on("console", (message) => { if (message.type() === "error" || message.type() === "warning") seen.errors.push(message.text()); });
    page.on("pageerror", (error) => seen.errors.push(error.message));
  };
  context.pages().forEach(watch);
  context.on("page", watch);
  context.on("request", (request) => {
    seen.asked.push(request.url());
    if (!request.url().startsWith(base) && !request.url().startsWith(`blob:${base}`)) seen.elsewhere.push(request.url());
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page: context.pages()[0], seen, close };
}
