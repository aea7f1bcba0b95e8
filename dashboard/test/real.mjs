// The page on the real daemon, in a real browser: the same numbers as the API and as an independent reader, live,
// every name only text, and a way out of each loss.
// usage: scripts/browser   (Chromium at $CHROMIUM or /usr/bin/chromium, cco at $CCO or target/debug/cco; loopback only)
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { PAYLOADS } from "../dev/payloads.mjs";
import { browse } from "./chromium.mjs";
import { ACCOUNT, Home } from "./sealed.mjs";

const VIEWS = ["?", "?view=cost&period=all", "?view=projects&period=all", "?view=heatmap&period=all", "?view=cache&period=all", "?view=tools&period=all", "?view=sources"];
/** Lines of Chromium itself about answers that a test provokes. */
const PROVOKED = /^Failed to load resource: (the server responded with a status of 401|net::ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE))/;

const home = new Home();
const hasCorpus = home.corpus(5);
home.work(PAYLOADS);
let browser;
let page;
let token;

before(async () => {
  await home.serve();
  browser = await browse(home.base);
  page = browser.page;
  await enter(page);
  token = home.cco("daemon", "token");
});

after(async () => {
  await browser?.close();
  await home.remove();
});

afterEach(() => {
  assert.deepEqual(browser.seen.errors, []);
  assert.deepEqual(browser.seen.elsewhere, []);
  assert.equal(browser.seen.dialogs, 0);
});

/** Follows a new link, which is given back. */
const enter = async (tab) => {
  const link = home.cco("dashboard", "--print");
  await tab.goto(link);
  await tab.waitForSelector(".drawn");
  return link;
};
const ask = async (path) => {
  const answer = await fetch(home.base + path, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, path);
  return answer.json();
};
const settled = async (query) => {
  await page.goto(home.base + query);
  await page.waitForSelector(".drawn");
};
const figure = (label, of = "") => `.figure:has(dt:text-is("${label}")) .num${of}`;
const exact = (label) => page.locator(figure(label)).first().getAttribute("title");
const grouped = (number) => new Intl.NumberFormat("en-US").format(number);
/** Nano-dollars of an amount of the API, and of one that the page tells in full. */
const nano = (usd) => BigInt(Math.round(usd * 1e9));
const told = (text) => {
  const [whole, places] = text.replace(/[$,]/g, "").split(".");
  return BigInt(whole) * 1_000_000_000n + BigInt(places.padEnd(9, "0"));
};
const sum = (amounts) => amounts.reduce((all, one) => all + one, 0n);
/** What a test provoked on purpose is no fault of the page. */
const forgive = () => { browser.seen.errors = browser.seen.errors.filter((text) => !PROVOKED.test(text)); };
/** A call is appended, and the page must tell the count that the API tells then. */
const appears = async (patience) => {
  const before = (await ask("api/stats?period=day")).summary.total_calls;
  home.call("plain-0");
  await page.waitForSelector(figure("Calls", `[title="${grouped(before + 1)}"]`), { timeout: patience });
};

test("the code of the link leaves the address and works once; the token is in no address and no storage that lasts", async () => {
  const first = await browser.context.newPage();
  const link = await enter(first);
  assert.equal(first.url(), home.base);
  const code = link.split("code=")[1];
  assert.ok(code.length > 20 && browser.seen.asked.length > 3);
  assert.ok(browser.seen.asked.every((url) => !url.includes(code) && !url.includes(token)));
  assert.equal(await first.evaluate(() => document.cookie + localStorage.length), "0");
  await first.close();

  const second = await browser.context.newPage();
  await second.goto(link);
  assert.match(await second.locator(".gate").innerText(), /cco dashboard/);
  assert.equal(await second.evaluate(() => sessionStorage.length), 0);
  await second.close();
  forgive();
});

test("Cost tells what the API and an independent reader tell, to the nano-dollar", async () => {
  for (const period of ["all", "month"]) {
    await settled(`?view=cost&period=${period}`);
    const { summary, period: span } = await ask(`api/stats?period=${period}`);
    assert.equal(told(await exact("Cost")), nano(summary.total_cost_usd));
    assert.equal(await exact("Calls"), grouped(summary.total_calls));
    assert.equal(await exact("Tokens"), grouped(summary.total_tokens));
    const models = await page.locator('table[aria-label="Models"] tbody .num').count();
    assert.ok(models > 0);
    if (!hasCorpus) {
      if (period === "all") assert.deepEqual([nano(summary.total_cost_usd), summary.total_calls], [home.wrote.nano, home.wrote.calls]);
      continue;
    }
    const days = Object.entries(home.oracle()).filter(([day]) => day >= span.start.slice(0, 10) && day < span.end_exclusive.slice(0, 10) || period === "all").map(([, row]) => row);
    assert.ok(days.length > 0);
    assert.equal(nano(summary.total_cost_usd), sum(days.map((row) => BigInt(row.nano_usd))));
    assert.equal(summary.total_calls, Number(sum(days.map((row) => BigInt(row.calls)))));
  }
});

test("Projects tells each project's cost as the API does, and all of them make up the whole", async () => {
  await settled("?view=projects&period=all");
  while ((await page.locator("button.more").count()) > 0) await page.locator("button.more").first().click();
  const { projects } = await ask("api/stats/projects?period=all");
  const titles = await page.locator('table[aria-label="Projects"] tbody tr td:nth-child(2) .num').evaluateAll((all) => all.map((one) => one.title));
  assert.deepEqual(titles.map(told), projects.map((one) => nano(one.total_cost)));
  const whole = (await ask("api/stats?period=all")).summary.total_cost_usd;
  assert.equal(sum(titles.map(told)), nano(whole));
});

test("a call that is appended to a transcript appears on Now within five seconds, without a reload", async () => {
  await settled("?");
  await page.waitForSelector(".pulse.live");
  await page.evaluate(() => { window.__same = true; });
  await appears(5_000);
  assert.equal(await page.evaluate(() => window.__same), true);
});

test(`${PAYLOADS.length} hostile names in every field of transcripts are text on every view`, async () => {
  const seen = new Set();
  const { projects } = await ask("api/stats/projects?period=all");
  const { path } = projects.find((one) => one.path.includes("<img src=x onerror"));
  const session = encodeURIComponent("<svg onload=window.__ran=1>");
  for (const query of [...VIEWS, "?view=cost&period=all&split=project", "?view=cost&period=day&split=model", `?view=projects&period=all&project=${encodeURIComponent(path)}`, `?view=projects&session=${session}`]) {
    await settled(query);
    for (let more = 0; more < 6 && (await page.locator("button.more").count()) > 0; more++) await page.locator("button.more").first().click();
    const plot = page.locator(".plot").first();
    if (await plot.count()) await plot.hover({ position: { x: 300, y: 80 } });
    await page.locator(".drawn .num, .drawn .cell.l5").first().click();
    await page.waitForSelector("dialog[open] .exact");
    await page.keyboard.press("Escape");
    const text = await page.evaluate(() => document.body.innerText);
    for (const name of [ACCOUNT, ...PAYLOADS]) if (text.includes(name)) seen.add(name);
    const made = await page.evaluate(() => document.querySelectorAll("#app :is(img, script, iframe, object, embed, video, audio, style, link, math, form:not(.filters), a:not(.links a))").length);
    assert.equal(made, 0, query);
    assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069\u200b]/, query);
  }
  assert.ok(seen.has(ACCOUNT));
  assert.ok(seen.size > 170, `only ${seen.size} of the names were to be seen`);
  assert.equal(await page.evaluate(() => window.__ran), undefined);
});

test("when the daemon is killed the page says since when it is stale, and goes on with the next one at its address", async () => {
  await settled("?");
  await page.waitForSelector(".pulse.live");
  await page.evaluate(() => { window.__same = true; });
  await home.end("SIGKILL");
  await page.waitForSelector(".banner:not([hidden])", { timeout: 10_000 });
  assert.match(await page.locator(".banner").innerText(), /since \d\d:\d\d/);
  assert.ok(await page.locator(".drawn").isVisible());

  const was = home.base;
  home.listen(new URL(was).host);
  assert.equal(await home.serve(), was);
  await page.waitForSelector(".pulse.live", { timeout: 20_000 });
  await page.waitForSelector(".banner", { state: "hidden" });
  await appears(5_000);
  assert.equal(await page.evaluate(() => window.__same), true);
  forgive();
});

test("after the token is made anew the page is logged out at once, and says how to get in again", async () => {
  await settled("?view=cost");
  await page.waitForSelector(".pulse.live");
  home.cco("daemon", "token", "--rotate");
  await page.waitForSelector(".gate", { timeout: 10_000 });
  assert.match(await page.locator(".gate").innerText(), /logged out[^]*cco dashboard|cco dashboard[^]*logged out/i);
  assert.equal(await page.locator(".num").count(), 0);
  forgive();

  await enter(page);
  token = home.cco("daemon", "token");
});
