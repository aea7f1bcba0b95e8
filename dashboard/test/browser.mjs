// The page in a real browser, on made-up data: the same numbers as the API's, live, and every name only text.
// usage: npm run browser   (Chromium at $CHROMIUM or /usr/bin/chromium; loopback only)
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";

import { PAYLOADS } from "../dev/payloads.mjs";
import { browse } from "./chromium.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const port = 3_000 + Math.floor(Math.random() * 2_000) + 200;
const base = `http://127.0.0.1:${port}/`;
let server;
let browser;
let page;
let seen;

before(async () => {
  server = spawn(process.execPath, [join(here, "../dev/server.mjs")], { env: { ...process.env, PORT: String(port), STILL: "1" }, stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((done) => server.stdout.once("data", done));
  browser = await browse(base);
  ({ page, seen } = browser);
});

after(async () => {
  await browser?.close();
  server?.kill();
});

const mode = (to) => fetch(`${base}dev/${to}`);
const ask = async (path) => (await fetch(base + path, { headers: { Authorization: "Bearer dev-token" } })).json();
const settled = async (query) => {
  await page.goto(base + query);
  await page.waitForSelector(".drawn");
};
const exact = (label) => page.locator(".figure", { has: page.locator(`dt:text-is("${label}")`) }).locator(".num").first().getAttribute("title");

test("the one-time code leaves the address, and the token is in no address and no storage that lasts", async () => {
  const asked = [];
  const note = (request) => asked.push(request.url());
  page.on("request", note);
  await settled("#code=dev");
  page.off("request", note);
  assert.equal(page.url(), base);
  assert.ok(asked.every((url) => !url.includes("dev-token") && !url.includes("code=")), asked.join(" "));
  assert.equal(await page.evaluate(() => document.cookie + JSON.stringify(localStorage)), "{}");
});

test("figures are the API's, to the nano-dollar", async () => {
  for (const [period, label] of [["day", ""], ["week", ""], ["month", ""]]) {
    await settled(`?view=cost&period=${period}${label}`);
    const { summary } = await ask(`api/stats?period=${period}`);
    const dollars = summary.total_cost_usd.toFixed(9).replace(/0+$/, "");
    assert.equal((await exact("Cost")).replaceAll(",", ""), `$${dollars.split(".")[1].length < 2 ? summary.total_cost_usd.toFixed(2) : dollars}`);
    assert.equal((await exact("Calls")).replaceAll(",", ""), String(summary.total_calls));
    assert.equal((await exact("Tokens")).replaceAll(",", ""), String(summary.total_tokens));
  }
});

test("every number of every view opens where it comes from", async () => {
  for (const query of ["", "?view=cost", "?view=projects&period=month", "?view=heatmap&period=month", "?view=cache&period=month", "?view=tools&period=month", "?view=sources"]) {
    await settled(query);
    await page.locator(".drawn .num, .drawn .cell.l5").first().click();
    await page.waitForSelector("dialog[open] .exact");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("dialog[open]").count(), 0);
  }
});

test("an account is chosen by its name, though the API's rows have numbers as keys", async () => {
  await settled("?view=cost&period=month");
  const all = (await ask("api/stats?period=month")).summary.total_calls;
  await page.selectOption("#filter-account", { label: "ann@example.com" });
  const some = (await ask("api/stats?period=month&account=ann%40example.com")).summary.total_calls;
  assert.ok(some > 0 && some < all);
  await page.waitForSelector(`.figure:has(dt:text-is("Calls")) .num[title="${some.toLocaleString("en-US")}"]`);
});

test("a new call appears by itself, and an open menu stays open meanwhile", async () => {
  await settled("");
  await page.waitForSelector(".pulse.live");
  await page.click(".menu summary");
  const before = await exact("Calls");
  await mode("call");
  await page.waitForFunction((was) => [...document.querySelectorAll(".figure")].find((one) => one.querySelector("dt")?.textContent === "Calls")?.querySelector(".num")?.getAttribute("title") !== was, before, { timeout: 6_000 });
  assert.equal(await page.locator(".menu[open]").count(), 1);
});

test("after the daemon is gone the page says so, keeps what it has, and goes on by itself", async () => {
  await settled("");
  await page.waitForSelector(".pulse.live");
  await mode("gone");
  await page.waitForSelector(".banner:not([hidden])", { timeout: 10_000 });
  assert.match(await page.locator(".banner").innerText(), /since \d\d:\d\d/);
  assert.ok(await page.locator(".drawn").isVisible());
  await mode("good");
  await page.waitForSelector(".pulse.live", { timeout: 40_000 });
  assert.equal(await page.locator(".banner:not([hidden])").count(), 0);
  seen.errors.length = 0;
});

test(`${PAYLOADS.length} hostile names in every field are text on every view, hovered, opened and saved`, async () => {
  assert.ok(PAYLOADS.length >= 200);
  await mode("hostile");
  const told = new Set();
  for (const query of ["", "?view=cost&period=all&split=project&granularity=month", "?view=cost&period=all&split=model", "?view=projects&period=all", "?view=heatmap&period=all", "?view=cache&period=all", "?view=tools&period=all", "?view=sources", `?view=projects&period=all&project=${encodeURIComponent(`/home/ann/${PAYLOADS[0]}`)}`, `?view=projects&session=${encodeURIComponent("<img src=x onerror=window.__ran=1>")}`]) {
    await page.goto(base + query);
    await page.waitForSelector(".drawn, .state");
    for (let more = 0; more < 6 && (await page.locator("button.more").count()) > 0; more++) await page.locator("button.more").first().click();
    const plot = page.locator(".plot").first();
    if (await plot.count()) await plot.hover({ position: { x: 300, y: 80 } });
    const door = page.locator(".drawn .num").first();
    if (await door.count()) {
      await door.click();
      await page.waitForSelector("dialog[open] .exact");
      await page.keyboard.press("Escape");
    }
    for (const [at, menu] of (await page.locator(".menu").count()) ? [[0, ".menu"], [1, ".menu"]] : []) {
      await page.click(`${menu} summary`);
      const [file] = await Promise.all([page.waitForEvent("download", { timeout: 8_000 }).catch(async () => assert.fail(`no file of ${query} ${at}: ${await page.locator(".toast").innerText()}`)), page.locator(`${menu} .pop button`).nth(at).click()]);
      assert.match(file.suggestedFilename(), /^cco-[a-z0-9-]+\.(png|csv)$/);
      if (at === 1) assert.doesNotMatch(readFileSync(await file.path(), "utf8"), /(^|,)"?[=+@]/m);
    }
    const text = await page.evaluate(() => document.body.innerText);
    for (const [at, name] of PAYLOADS.entries()) if (text.includes(name)) told.add(at);
    const made = await page.evaluate(() => document.querySelectorAll("#app :is(img, script, iframe, object, embed, video, audio, style, link, math, form:not(.filters), a:not(.links a))").length);
    assert.equal(made, 0, query);
    assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069\u200b]/, query);
  }
  assert.ok(told.size > 150, `only ${told.size} payloads were to be seen`);
  assert.equal(await page.evaluate(() => window.__ran), undefined);
  assert.deepEqual(seen.elsewhere, []);
  assert.equal(seen.dialogs, 0);
  assert.deepEqual(seen.errors.filter((text) => !/status of 404/.test(text)), []);
});

test("no view scrolls sideways at 360 pixels, whatever its names", async () => {
  await page.setViewportSize({ width: 360, height: 760 });
  for (const to of ["good", "hostile"]) {
    await mode(to);
    for (const query of ["", "?view=cost", "?view=projects&period=month", "?view=heatmap", "?view=cache&period=month", "?view=tools&period=month", "?view=sources"]) {
      await settled(query);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, `${to} ${query}`);
    }
  }
});
