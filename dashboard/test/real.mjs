// The page on the real daemon, in a real browser: the same numbers as the API and as an independent reader, live,
// every name only text, and a way out of each loss.
// usage: scripts/browser   (Chromium at $CHROMIUM or /usr/bin/chromium, cco at $CCO or target/debug/cco; loopback only)
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, afterEach, before, test } from "node:test";

import { PAYLOADS } from "../dev/payloads.mjs";
import { browse } from "./chromium.mjs";
import { ACCOUNT, Home } from "./sealed.mjs";

const VIEWS = ["?", "?view=cost&period=all", "?view=projects&period=all", "?view=heatmap&period=all", "?view=cache&period=all", "?view=tools&period=all", "?view=sources"];
/** Lines of Chromium itself about answers that a test provokes. */
const PROVOKED = /^Failed to load resource: (the server responded with a status of (400|401|429|503)|net::ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE))/;

/** A zone where it is noon: no day ends while tests run, and what was called a minute ago is of today. */
const noon = (at) => `Etc/GMT${at.getUTCHours() < 12 ? "-" : "+"}${Math.abs(12 - at.getUTCHours())}`;
const home = new Home({ zone: noon(new Date()) });
const hasCorpus = home.corpus(5);
home.work(PAYLOADS);
let browser;
let page;
let token;

before(async () => {
  await home.serve();
  // All is read before anything is compared.
  home.cco("scan");
  browser = await browse(home.base);
  page = browser.page;
  await enter(page);
  token = home.cco("daemon", "token");
});

after(async () => {
  await browser?.close();
  await home.remove();
});

afterEach(async () => {
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.deepEqual(browser.seen.errors, []);
  assert.deepEqual(browser.seen.elsewhere, []);
  assert.equal(browser.seen.dialogs, 0);
});

/** The view, or what stands in its place, is drawn, and the filters know what can be chosen: nothing is drawn anew by itself. */
const drawn = async (tab, what = ".drawn") => {
  await tab.waitForSelector(what);
  await tab.waitForSelector(".frame[data-known]");
};
/** Waits until an element says it. */
const says = (where, words) => page.locator(where).filter({ hasText: words, visible: true }).waitFor();
/** Follows a new link, which is given back; into the same page it leads without a reload, which begins where the code leaves the address. */
const enter = async (tab, query = "", what = ".drawn") => {
  const link = home.cco("dashboard", "--print").replace(home.base, home.base + query);
  await tab.goto(link);
  await tab.waitForFunction(() => location.hash === "");
  await drawn(tab, what);
  return link;
};
const ask = async (path) => {
  const answer = await fetch(home.base + path, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, path);
  return answer.json();
};
const settled = async (query, what = ".drawn") => {
  await page.goto(home.base + query);
  await drawn(page, what);
};
const figure = (label, of = "") => `.figure:has(dt:text-is("${label}")) .num${of}`;
const exact = (label) => page.locator(figure(label)).first().getAttribute("title");
const grouped = (number) => new Intl.NumberFormat("en-US").format(number);
/** Nano-dollars of an amount of the API, and of one that the page tells in full. */
const nano = (usd) => BigInt(Math.round(usd * 1e9));
const told = (text) => {
  if (text.startsWith("unknown: no price")) return 0n;
  const [whole, places] = text.replace(/, and calls without a price$/, "").replace(/[$,]/g, "").split(".");
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
    // The reader knows days of UTC.
    await settled(`?view=cost&period=${period}&zone=UTC`);
    const { summary, period: span } = await ask(`api/stats?period=${period}&timezone=UTC`);
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

test("what has no price is marked as commands mark it, on every view, and never told as free", async () => {
  home.call("unpriced", { model: "claude-nebula-9", cwd: "/home/ann/nebula" });
  home.cco("scan");
  await settled("?view=cost&period=all&find=nebula");
  const cell = page.locator('table[aria-label="Models"] .num').first();
  assert.deepEqual([await cell.innerText(), await cell.getAttribute("title")], ["?", "unknown: no price"]);
  assert.match(await cell.getAttribute("aria-label"), /unknown, no price/);
  assert.match(await page.locator(figure("Cost")).innerText(), /^\$[\d,.]+\+\?$/);
  for (const query of ["?model=claude-nebula-9", ...VIEWS.slice(1, -1).map((view) => `${view}&model=claude-nebula-9`)]) {
    await settled(query);
    assert.doesNotMatch(await page.locator(".drawn").innerText(), /\$0\.00/, query);
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

test("projects of one name are told apart wherever they are named", async () => {
  home.call("web-shop", { cwd: "/home/ann/shop-of-web/web" });
  home.call("web-blog", { cwd: "/home/ann/blog-of-web/web" });
  home.cco("scan");
  const both = async (place) => {
    for (const name of ["shop-of-web/web", "blog-of-web/web"]) await page.locator(place).getByText(name, { exact: true }).first().waitFor({ state: "attached" });
  };
  await settled("?");
  await both("#filter-project");
  await both(".feed");
  await settled("?view=cache&period=day");
  await both('table[aria-label="Cache by project"]');
  await settled("?view=projects&period=day");
  await both('table[aria-label="Projects"]');
  await page.locator('table[aria-label="Projects"]').getByText("blog-of-web/web", { exact: true }).click();
  await page.locator(".crumbs .name").getByText("blog-of-web/web", { exact: true }).waitFor();
});

test("a session with only a main thread has no card of agents, and one with an agent calls the rest the main thread", async () => {
  home.call("alone", {});
  home.call("with-agent", {});
  home.call("with-agent", { isSidechain: true, attributionAgent: "Explore" });
  home.cco("scan");
  await settled("?view=projects&session=alone");
  assert.equal(await page.getByRole("heading", { name: "Agents" }).count(), 0);
  await settled("?view=projects&session=with-agent");
  assert.deepEqual(await page.locator('table[aria-label="Agents of the session"] tbody th').allInnerTexts().then((all) => all.toSorted()), ["Explore", "the main thread"]);
});

test("a session is whole on its page: no time, project or model of it can be chosen there, and on the page above they can", async () => {
  const chosen = () => page.locator(".filters .period, .filters #filter-project, .filters #filter-model").count();
  home.call("alone", {});
  home.cco("scan");
  await settled("?view=projects&session=alone");
  assert.equal(await chosen(), 0);
  assert.equal(await page.locator(".filters #filter-zone").count(), 1);
  await page.locator(".crumbs").getByText("Projects", { exact: true }).click();
  await page.locator('table[aria-label="Projects"]').waitFor();
  assert.equal(await chosen(), 3);
});

test("a zone that is none is told beside its field, and a call's command means the same to a shell", async () => {
  home.call("alone", {});
  home.cco("scan");
  await settled("?view=projects&session=alone");
  const before = page.url();
  await page.fill("#filter-zone", "Mars/X");
  await page.press("#filter-zone", "Enter");
  assert.match(await page.locator(".field .wrong").innerText(), /No time zone is called “Mars\/X”/);
  assert.equal(page.url(), before);
  await page.locator('table[aria-label="Calls"] .num').last().click();
  assert.match(await page.locator("dialog .trail code").innerText(), /^cco explain '#\d+'$/);
  await page.keyboard.press("Escape");
  await page.fill("#filter-zone", "Europe/Berlin");
  await page.press("#filter-zone", "Enter");
  await page.waitForURL(/Berlin/);
  assert.equal(await page.locator(".field .wrong").innerText(), "");
});

/** Opens a view and does something there while the answer that says what can be chosen is on its way. */
const whileUnknown = async (query, work) => {
  const route = "**/api/stats/breakdown?period=all&by=account";
  let answer;
  const asked = new Promise((done) => { answer = done; });
  await page.route(route, (one) => answer(one), { times: 1 });
  await page.goto(home.base + query);
  await page.waitForSelector(".drawn");
  const held = await asked;
  await work();
  assert.equal(await page.locator(".frame[data-known]").count(), 0);
  await held.continue();
  await page.waitForSelector(".frame[data-known]");
};

test("what can be chosen is asked for again once there are answers, where it could not be had as the page opened", async () => {
  for (const [query, status] of [["api/stats?period=all", 503], ["api/stats/breakdown?period=all&by=account", 503], ["api/stats/projects?period=all", 429]]) {
    await page.route(`**/${query}`, (one) => one.fulfill({ status }), { times: 1 });
    const answered = page.waitForResponse((one) => one.url() === home.base + query && one.ok());
    await settled("?view=cost&period=day");
    await page.waitForSelector(".pulse.live");
    home.call("plain-0");
    await answered;
    await page.waitForFunction(() => document.querySelectorAll("#filter-project option").length > 1);
  }
  forgive();
});

test("what is typed into a filter before all is known that can be chosen stays, and is taken", async () => {
  const choices = page.locator("#filter-model option");
  await whileUnknown("?view=cost&period=month", async () => {
    await page.focus("#filter-zone");
    await page.keyboard.type("Europe/Berl");
    assert.equal(await choices.count(), 1);
  });
  await page.keyboard.type("in");
  assert.equal(await page.inputValue("#filter-zone"), "Europe/Berlin");
  await page.keyboard.press("Enter");
  await page.waitForURL(/Berlin/);
  await page.waitForFunction(() => document.querySelectorAll("#filter-model option").length > 1);

  await whileUnknown("?view=cost&period=month", async () => {
    await page.fill("#filter-zone", "Europe/Berlin");
  });
  await page.press("#filter-zone", "Enter");
  await page.waitForURL(/Berlin/);

  await whileUnknown("?view=cost&period=month", async () => {
    await page.fill("#filter-zone", "Mars/X");
    await page.press("#filter-zone", "Enter");
  });
  assert.match(await page.locator(".field .wrong").innerText(), /No time zone is called “Mars\/X”/);
  await page.fill("#filter-zone", "");
  await page.waitForFunction(() => document.querySelectorAll("#filter-model option").length > 1);

  await whileUnknown("?view=cost&period=month", async () => {
    await page.focus("#filter-granularity");
    await page.keyboard.press("Space");
    await page.evaluate(() => { document.querySelector("#filter-granularity").__same = true; });
  });
  assert.equal(await page.evaluate(() => document.querySelector("#filter-granularity").__same), true, "a menu that is open");

  await whileUnknown("?view=cost&period=month", async () => {
    await page.click(".range summary");
    await page.fill('.range input[aria-label="First day"]', "2020-01-02");
  });
  await page.click(".range .primary");
  await page.waitForURL(/from=2020-01-0/);
  assert.ok((await choices.count()) > 1);
});

test("a click is one though all that can be chosen becomes known between press and release", async () => {
  home.call("web-shop", { cwd: "/home/ann/shop-of-web/web" });
  home.call("web-blog", { cwd: "/home/ann/blog-of-web/web" });
  home.cco("scan");
  const door = page.locator('table[aria-label="Projects"] button.door').filter({ hasText: "blog-of-web/web" });
  await whileUnknown("?view=projects&period=all&find=web", async () => {
    assert.equal(await door.locator(".name").innerText(), "web");
    await door.hover();
    await page.mouse.down();
  });
  await page.mouse.up();
  await page.locator(".crumbs .name").getByText("blog-of-web/web", { exact: true }).waitFor();
});

test("a call that is appended to a transcript appears on Now within five seconds, without a reload; an open menu stays open", async () => {
  await settled("?");
  await page.waitForSelector(".pulse.live");
  await page.evaluate(() => { window.__same = true; });
  await page.click(".menu summary");
  await appears(5_000);
  assert.equal(await page.locator(".menu[open]").count(), 1);
  assert.equal(await page.evaluate(() => window.__same), true);
  assert.ok(await page.getByRole("heading", { name: "Running sessions, today" }).isVisible(), "a session may be older than the day, and is told of the day");
});

/** Saves a file of the view; its name holds no name of the data, and a table no formula. */
const saved = async (at, kind) => {
  await page.click(".menu summary");
  const [file] = await Promise.all([page.waitForEvent("download"), page.locator(".menu .pop button").nth(at).click()]);
  assert.match(file.suggestedFilename(), new RegExp(`^cco-[a-z0-9-]+\\.${kind}$`));
  if (kind === "csv") assert.doesNotMatch(readFileSync(await file.path(), "utf8"), /(^|,)"?[=+@]/m);
};

test(`${PAYLOADS.length} hostile names in every field of transcripts are text on every view, hovered, opened and saved`, async () => {
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
    assert.equal(await page.locator("dialog[open]").count(), 0);
    for (const [at, kind] of ["png", "csv"].entries()) if (await page.locator(".menu").count()) await saved(at, kind);
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

test("at phone width no view scrolls sideways, and it says whether it is live, how to get help and which model was called", async () => {
  await page.setViewportSize({ width: 360, height: 760 });
  for (const query of VIEWS) {
    await settled(query);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, query);
    await page.waitForSelector(".top > .head .pulse.live");
    assert.match(await page.locator(".top > .head").innerText(), /(^|\s)live(\s|$)/);
    assert.doesNotMatch(await page.locator(".top > .head").innerText(), /not live/);
    assert.ok(await page.locator('.top button[aria-label="Help"]').isVisible());
  }
  assert.ok(await page.getByText("Damaged", { exact: true }).isVisible());
  await settled("?");
  assert.ok(await page.locator(".feed .model").first().isVisible());
});

test("hostile words in the page's own address, and in what the daemon says of them, are text", async () => {
  const words = PAYLOADS.filter((name) => name.isWellFormed());
  for (const key of ["view", "period", "from", "project", "model", "account", "branch", "session", "split", "by", "find", "foo"]) {
    // All of them as one word, and the first as one that a part of the page might take for its own.
    for (const word of [words.join(" "), words[0]]) {
      await settled(`?view=cost&${key}=${encodeURIComponent(word)}`, ".drawn, .state");
      const made = await page.evaluate(() => document.querySelectorAll("#app :is(img, script, iframe, object, embed, video, audio, style, link, math, form:not(.filters), a:not(.links a))").length);
      assert.equal(made, 0, key);
      assert.doesNotMatch(await page.title() + await page.evaluate(() => document.body.innerText), /[\u202a-\u202e\u2066-\u2069\u200b]/, key);
      assert.equal(await page.evaluate(() => window.__ran), undefined, key);
    }
  }
  forgive();
});

test("filters that match nothing are told as that, with a way out; what the address gets wrong is told too", async () => {
  await settled("?view=cost&project=shpo&period=nope&foo=bar", ".state");
  assert.match(await page.locator(".body").innerText(), /The filters match nothing[^]*project shpo/);
  assert.match(await page.locator(".mistaken").innerText(), /period=nope, foo=bar/);
  await page.getByText("Clear the filters").click();
  await page.waitForSelector(".drawn");
  assert.equal(page.url(), `${home.base}?view=cost`);
  assert.equal(await page.locator(".mistaken").count(), 0);
  await settled("?view=cost&model=opsu", ".state");
  await page.getByText("Clear the filters").click();
  await page.waitForSelector(".drawn");
  await settled("?project=shpo");
  assert.match(await page.locator(".body").innerText(), /The filters match nothing/);
  forgive();
});

test("every model and kind that the menu offers can be chosen", async () => {
  await settled("?view=cost&period=all");
  const offered = await page.locator("#filter-model option").evaluateAll((all) => all.map((one) => one.value).filter((value) => value !== ""));
  assert.ok(offered.length > 3);
  for (const model of offered.slice(0, 40)) assert.ok((await ask(`api/stats?period=all&model=${encodeURIComponent(model)}`)).summary.total_calls > 0, model);
});

test("a page of another name that leads to this machine, or of another port, cannot read one byte", async () => {
  const stranger = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<title>stranger</title>")).listen(0, "127.0.0.1");
  await new Promise((done) => stranger.once("listening", done));
  const [port, ours] = [stranger.address().port, new URL(home.base).port];
  const rebound = await browse(home.base, "--host-resolver-rules=MAP rebind.test 127.0.0.1");
  const routes = ["", "assets/app.js", "api/health", "api/stats", "api/limits", "api/openapi.json", "metrics"];
  try {
    // The same origin as what it asks, by a name of its own: the page itself is refused, and so is all that it could ask.
    const whole = await rebound.page.goto(`http://rebind.test:${ours}/`);
    assert.ok(whole.status() >= 400);
    const told = await rebound.page.evaluate((paths) => Promise.all(paths.map(async (path) => {
      const answer = await fetch(`/${path}`);
      return [answer.status, await answer.text()];
    })), routes);
    for (const [status, text] of told) {
      assert.ok(status >= 400, text);
      assert.doesNotMatch(text, /total_cost|uPlot|"ok"|openapi|ann@|shop/);
    }
    await rebound.page.goto(`http://rebind.test:${port}/`);
    const read = await rebound.page.evaluate((urls) => Promise.all(urls.map((url) => fetch(url).then(async (answer) => `${answer.status} ${await answer.text()}`, () => null))),
      ["127.0.0.1", "localhost", "rebind.test"].flatMap((host) => routes.map((path) => `http://${host}:${ours}/${path}`)));
    assert.deepEqual(read, read.map(() => null));
  } finally {
    await rebound.close();
    stranger.close();
  }
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
  await page.waitForSelector(".pulse.live");
  await page.waitForSelector(".banner", { state: "hidden" });
  await appears(5_000);
  assert.equal(await page.evaluate(() => window.__same), true);
  forgive();
});

const OFF = "[stats]\nenabled = false\n";
for (const [how, more] of [["", ""], [" and refused a line", OFF]]) {
  test(`whoever takes the port of a daemon that was killed${how} hears no token, and the next daemon is known again`, async () => {
    await settled("?");
    await page.waitForSelector(".pulse.live");
    const [was, heard] = [home.base, []];
    const isKept = (text) => page.waitForFunction((text) => Object.values(sessionStorage).join() === text, text);
    if (more) {
      await home.end("SIGTERM");
      home.listen(new URL(was).host, more);
      await home.serve();
      // A page that never had a line. It needs a link: while the one before has the daemon prove itself a reload finds no token.
      await enter(page, "?", ".state.bad");
      await says(".banner", /Statistics are turned off/);
    }
    await isKept(token);
    await home.end("SIGKILL");
    const impostor = createServer((request, response) => {
      heard.push({ url: request.url, told: JSON.stringify(request.headers) });
      const body = request.url.startsWith("/api/proof") ? { proof: "0".repeat(64) } : {};
      response.writeHead(request.url.startsWith("/api/proof") && heard.length > 1 ? 200 : 503, { "Content-Type": "application/json" }).end(JSON.stringify(body));
    }).listen(new URL(was).port, "127.0.0.1");
    await new Promise((done) => impostor.once("listening", done));
    try {
      // It is asked for a proof, and has none; then it makes one up. Between two tries are up to 33 seconds.
      await page.waitForSelector(".gate", { timeout: 100_000 });
      assert.match(await page.locator(".gate").innerText(), /cco dashboard/);
      assert.ok(heard.length > 0 && heard.every(({ url }) => url.startsWith("/api/proof?nonce=")), JSON.stringify(heard));
      assert.ok(heard.every(({ told }) => !told.includes(token.slice(0, 6))));
      await isKept("");
    } finally {
      impostor.closeAllConnections();
      await new Promise((done) => impostor.close(done));
    }

    home.listen(new URL(was).host);
    assert.equal(await home.serve(), was);
    await enter(page);
    await page.waitForSelector(".pulse.live");
    forgive();
  });
}

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

test("statistics that are turned off under an open page are told at once, and come back by themselves", async () => {
  await settled("?view=cost");
  await page.waitForSelector(".pulse.live");
  const again = async (more) => {
    await home.end("SIGTERM");
    home.listen(new URL(home.base).host, more);
    await home.serve();
  };
  await again(OFF);
  await says(".state.bad", /Statistics are turned off[^]*stats\.enabled true/);
  await says(".banner", /Statistics are turned off/);
  // By links: where a line was lost a reload may find no token.
  await enter(page, "?view=sources");
  await says(".drawn", /statistics are off/);
  await enter(page, "?view=cost", ".state.bad");
  assert.equal(await page.locator("#filter-model option").count(), 1);
  await again("");
  await drawn(page);
  await page.locator("#filter-model option").nth(1).waitFor({ state: "attached" });
  forgive();
});

test("a new browser shows the first numbers soon after the link is followed", async () => {
  const took = [];
  for (let tries = 0; tries < 5; tries++) {
    const fresh = await browse(home.base);
    try {
      await fresh.page.addInitScript(() => {
        const watch = new MutationObserver(() => {
          if (window.__useful || !document.querySelector(".drawn .num")) return;
          window.__useful = -1;
          watch.disconnect();
          requestAnimationFrame(() => requestAnimationFrame(() => { window.__useful = performance.now(); }));
        });
        watch.observe(document, { childList: true, subtree: true });
      });
      await fresh.page.goto(home.cco("dashboard", "--print"));
      await fresh.page.waitForFunction(() => window.__useful > 0);
      took.push(await fresh.page.evaluate(() => ({ first: Math.round(performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN), useful: Math.round(window.__useful) })));
    } finally {
      await fresh.close();
    }
  }
  const median = (of) => took.map(of).sort((a, b) => a - b)[2];
  console.log(`first paint ${median((one) => one.first)} ms, first numbers ${median((one) => one.useful)} ms (median of ${JSON.stringify(took)})`);
  // A machine that does nothing else takes a tenth of this; a page that waits for something takes more.
  assert.ok(median((one) => one.useful) < 5_000);
});
