// How soon the page is there, on the real daemon in a real Chromium, beside a bare page as the floor of both.
// usage: node dev/paint.mjs [--loads N] [--json] [PROGRAM…]   (cco at $CCO or target/debug/cco where none is named; scripts/bench --page)
// Each is opened N times (25), in turn: by a link in a browser that begins with it, and in a new tab of one that runs.
// All times are milliseconds from the navigation on.
// Must not: be shipped, or judge; scripts/bench does.
import { createServer } from "node:http";
import { Home } from "../test/sealed.mjs";
import { browse } from "../test/chromium.mjs";

const words = process.argv.slice(2);
const option = (name) => {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words.splice(at, 2)[1];
};
const loads = Number(option("--loads") ?? 25);
const isJson = words.includes("--json");
const programs = words.filter((word) => word !== "--json");
const BARE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>bare</title><style>body{font:14px system-ui,sans-serif}</style><body class="drawn"><h1>Bare</h1><p class="num">12</p>`;
const TIMES = ["answered", "parsed", "painted", "numbers"];

/** In the page: notes when the first numbers were on the screen, and says when there is nothing more to wait for. */
function watch() {
  const look = () => {
    if (!document.querySelector(".drawn .num")) return;
    seen.disconnect();
    // Behind the frame that shows them.
    requestAnimationFrame(() => setTimeout(() => {
      window.__numbers = performance.now();
      setTimeout(() => console.debug("there"), 100);
    }));
  };
  const seen = new MutationObserver(look);
  seen.observe(document, { childList: true, subtree: true });
}

/** In the page: what it took. */
function read() {
  const [navigation] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return { answered: navigation.responseStart, parsed: navigation.domContentLoadedEventEnd, painted: paint.startTime, numbers: window.__numbers };
}

async function load(page, link) {
  await page.addInitScript(watch);
  // Waiting for a selector would run the driver's own code in the page, some 60 ms of it, while the page begins.
  const isThere = page.waitForEvent("console", (message) => message.text() === "there");
  await page.goto(link, { waitUntil: "commit" });
  await isThere;
  return page.evaluate(read);
}

/** A plain server on loopback, and the page that it has. */
async function bare() {
  const server = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(BARE)).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const base = `http://127.0.0.1:${server.address().port}/`;
  return { name: "bare page", base, link: () => base, end: async () => { server.closeAllConnections(); server.close(); } };
}

/** A daemon over made-up transcripts, and a link to its page. */
async function daemon(program) {
  const home = new Home({ program });
  home.work([]);
  await home.serve();
  // What it answers first is read from the disk: people have a daemon that runs.
  home.cco("daily");
  return { name: program ?? "the page", base: home.base, link: () => home.cco("dashboard", "--print"), end: () => home.remove() };
}

const subjects = [await bare(), ...(await Promise.all((programs.length > 0 ? programs : [undefined]).map(daemon)))];
const took = subjects.map(() => ({ fresh: [], tab: [] }));
const running = await Promise.all(subjects.map(({ base }) => browse(base)));
try {
  for (let turn = 0; turn <= loads; turn++) {
    for (const [at, { base, link }] of subjects.entries()) {
      const fresh = await browse(base);
      const inFresh = await load(fresh.page, link()).finally(fresh.close);
      const tab = await running[at].context.newPage();
      const inTab = await load(tab, link()).finally(() => tab.close());
      // The first turn warms up what machine and browser keep.
      if (turn > 0) took[at].fresh.push(inFresh), took[at].tab.push(inTab);
    }
  }
} finally {
  await Promise.all([...running.map(({ close }) => close()), ...subjects.map(({ end }) => end())]);
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)];
const summed = (all) => Object.fromEntries(TIMES.map((time) => {
  const sorted = all.map((one) => one[time]).sort((a, b) => a - b);
  return [time, { median: at(sorted, 0.5), p90: at(sorted, 0.9) }];
}));
const told = subjects.map(({ name }, one) => ({ name, fresh: summed(took[one].fresh), tab: summed(took[one].tab) }));
if (isJson) console.log(JSON.stringify(told));
else {
  console.log(`${loads} loads each; median and 90th percentile in ms\n${"".padEnd(44)}${TIMES.map((time) => time.padStart(16)).join("")}`);
  for (const { name, ...ways } of told) {
    for (const [way, times] of Object.entries(ways)) {
      console.log(`${`${name}, ${way === "fresh" ? "new browser" : "new tab"}`.padEnd(44)}${TIMES.map((time) => `${Math.round(times[time].median)} / ${Math.round(times[time].p90)}`.padStart(16)).join("")}`);
    }
  }
}
