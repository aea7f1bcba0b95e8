// Pictures of bad days and of what opens: `node dev/states.mjs FOLDER`, with the server running.
import { chromium } from "playwright-core";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = process.argv[2] ?? "/tmp/states";
mkdirSync(folder, { recursive: true });
const base = `http://127.0.0.1:${process.env.PORT ?? 3103}/`;
const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "states-")), {
  executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1280, height: 860 }, acceptDownloads: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = context.pages()[0];
let dialogs = 0;
page.on("dialog", (dialog) => { dialogs += 1; void dialog.dismiss(); });
page.on("console", (message) => console.log("console", message.type(), message.text().slice(0, 200)));
page.on("pageerror", (error) => console.log("error", error.message));
const strangers = [];
page.on("request", (request) => { if (!request.url().startsWith(base) && !request.url().startsWith("blob:")) strangers.push(request.url()); });
const mode = (to) => fetch(`${base}dev/${to}`);
const shot = (name) => page.screenshot({ path: join(folder, `${name}.png`) });
const open = async (query, wait = ".drawn") => { await page.goto(base + query); await page.waitForSelector(wait); await page.waitForTimeout(300); };

await mode("good");
await open("", ".gate"); await shot("gate");
await open("#code=wrong", ".gate"); await shot("gate-wrong");
await page.goto("about:blank");
await open("#code=dev");
console.log("first paint", await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime), page.url());
await page.click(".figure.main .num"); await page.waitForSelector(".explained"); await shot("where-day");
await page.click(".explained button.link >> nth=0"); await page.waitForTimeout(300); await shot("where-deeper");
await page.keyboard.press("Escape");
await page.keyboard.press("2"); await page.waitForSelector(".plot canvas"); await page.hover(".plot", { position: { x: 400, y: 100 } }); await page.waitForTimeout(150); await shot("cost-tip");
await page.click(".bar-top button"); await page.waitForTimeout(200); await shot("cost-table");
await page.click(".bar-top button"); await page.waitForTimeout(200);
await page.click(".menu summary"); await page.waitForTimeout(100); await shot("save");
for (const [at, name] of [[0, "png"], [1, "csv"]]) {
  if (at > 0) await page.click(".menu summary");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(`.menu .pop button >> nth=${at}`)]);
  await file.saveAs(join(folder, `saved.${name}`)); console.log("saved", file.suggestedFilename());
}
await page.keyboard.press("?"); await page.waitForTimeout(100); await shot("help"); await page.keyboard.press("Escape");
await page.keyboard.press("/"); console.log("focus", await page.evaluate(() => document.activeElement?.id));
await page.keyboard.press("Escape"); await page.evaluate(() => document.activeElement?.blur());
await page.keyboard.press("["); await page.waitForTimeout(500); console.log("earlier", page.url()); await shot("cost-earlier");
await open("?view=projects&period=month"); await page.click("button.door >> nth=0"); await page.waitForSelector(".crumbs button"); await page.waitForTimeout(400); await shot("project");
await page.locator("section:has(h2:text-is('Sessions')) button.door").first().click(); await page.waitForSelector("h2 .id"); await page.waitForTimeout(300); await shot("session"); console.log("session", page.url());
await open(""); await mode("cut"); await page.waitForTimeout(5_000); await shot("stale-cut");
await mode("good"); await page.waitForSelector(".pulse.live", { timeout: 20_000 });
await mode("gone"); await page.waitForTimeout(4_500); await shot("stale-gone"); await page.keyboard.press("3"); await page.waitForTimeout(600); await shot("gone-error");
await mode("good"); await page.waitForSelector(".pulse.live", { timeout: 40_000 });
await mode("bad"); await page.goto(`${base}?view=cost`); await page.waitForSelector(".state.bad"); await shot("error");
await mode("slow"); await page.goto(`${base}?view=cost`); await page.waitForTimeout(400); await shot("loading");
await mode("empty"); await open("", ".state, .drawn"); await shot("empty"); await open("?view=cost", ".state"); await shot("empty-cost");
await mode("failing"); await open("?view=sources"); await shot("failing");
await mode("hostile");
for (const query of ["", "?view=cost&split=project", "?view=projects&period=month", "?view=heatmap", "?view=cache", "?view=tools", "?view=sources"]) {
  await open(query);
  await page.setViewportSize({ width: 360, height: 760 });
  await page.waitForTimeout(150);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) console.log("sideways", query, over, await page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4).map((e) => `${e.tagName}.${e.className}`).join(" ")));
  if (query.includes("projects")) await shot("hostile-360");
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.waitForTimeout(150);
  if (query.includes("projects") || query === "") await shot(`hostile-${query.slice(6, 10) || "now"}`);
}
console.log("dialogs", dialogs, "requests elsewhere", strangers.length, "title", await page.title());
await mode("good");
await context.close();
