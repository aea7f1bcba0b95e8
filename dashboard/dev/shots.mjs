// Pictures of every view, wide and narrow, light and dark: `node dev/shots.mjs FOLDER [view…]`, with the server running,
// or of a daemon: LINK=$(cco dashboard --print).
// It says what the console said, what scrolls sideways, and how soon something was painted.
import { chromium } from "playwright-core";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [folder = "/tmp/shots", ...wanted] = process.argv.slice(2);
const VIEWS = { now: "?", cost: "?view=cost&compare=true", projects: "?view=projects&period=month", heatmap: "?view=heatmap&period=all", cache: "?view=cache&period=month", tools: "?view=tools&period=month", sources: "?view=sources" };
mkdirSync(folder, { recursive: true });
const link = process.env.LINK ?? `http://127.0.0.1:${process.env.PORT ?? 3103}/#code=dev`;
const base = new URL("/", link).href;
const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "shots-")), {
  executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1280, height: 860 },
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = context.pages()[0];
page.on("console", (message) => console.log("console", message.type(), message.text()));
page.on("pageerror", (error) => console.log("error", error.message));
await page.goto(link);
await page.waitForSelector(".drawn");
console.log("address after the code", page.url(), "first paint", await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
for (const scheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme: scheme });
  for (const width of (process.env.WIDTHS ?? "1280 360").split(" ").map(Number)) {
    await page.setViewportSize({ width, height: width < 600 ? 760 : 860 });
    for (const [view, query] of Object.entries(VIEWS)) {
      if (wanted.length > 0 && !wanted.includes(view)) continue;
      await page.goto(base + query);
      await page.waitForSelector(".drawn");
      await page.waitForTimeout(250);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) console.log("sideways", view, width, over, await page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4).map((e) => `${e.tagName}.${e.className}`).join(" ")));
      await page.screenshot({ path: join(folder, `${view}-${width}-${scheme}.png`), fullPage: true });
    }
  }
}
await context.close();
