// The three pictures of the README, of the real daemon over a made-up year: `node dev/readme.mjs`, with the program at $CCO.
// Must not: be shipped, or show a name of anybody.
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { browse } from "../test/chromium.mjs";
import { Home } from "../test/sealed.mjs";
import { year } from "./data.mjs";

const docs = join(dirname(fileURLToPath(import.meta.url)), "../../docs");
const now = Date.now();
const home = new Home();

/** The row that Claude Code leaves of a call. */
const row = (call) => JSON.stringify({
  type: "assistant", sessionId: call.session, cwd: call.path, gitBranch: call.branch, version: "2.1.0", isSidechain: false, uuid: `uuid-${call.id}`, requestId: `req_${call.id}`, timestamp: new Date(call.at).toISOString(),
  message: {
    id: `msg_${call.id}`, type: "message", role: "assistant", model: call.model, stop_reason: "tool_use", content: call.tools.map((name, at) => ({ type: "tool_use", id: `toolu_${call.id}_${at}`, name, input: {} })),
    usage: { input_tokens: call.input, output_tokens: call.output, cache_read_input_tokens: call.cache_read, cache_creation_input_tokens: call.cache_write_1h, cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: call.cache_write_1h } },
  },
});

const folder = join(home.root, "projects/-home-ann");
mkdirSync(folder, { recursive: true });
for (const call of year(now, false)) if (!call.unpriced && !call.path.includes("very-long")) appendFileSync(join(folder, `${call.session}.jsonl`), `${row(call)}\n`);
const window = (utilization, hours) => ({ utilization, resets_at: new Date(now + hours * 3_600_000).toISOString() });
writeFileSync(join(home.root, ".claude.json"), JSON.stringify({
  oauthAccount: { accountUuid: "11111111-2222-4333-8444-555555555555", organizationUuid: "99999999-2222-4333-8444-555555555555", emailAddress: "ann@example.com", organizationName: "ann@example.com" },
  cachedUsageUtilization: { fetchedAtMs: now - 60_000, accountUuid: "11111111-2222-4333-8444-555555555555", utilization: { five_hour: window(42, 2.3), seven_day: window(31, 70) } },
}));
// That there is a login is enough; there is nobody to ask, and nothing to ask with.
writeFileSync(join(home.root, ".credentials.json"), "{}", { mode: 0o600 });
await home.serve();
const browser = await browse(home.base);
try {
  const { page } = browser;
  const shot = async (name, query, width, height, colorScheme) => {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto("about:blank");
    await page.goto(home.cco("dashboard", "--print").replace("/#", `/${query}#`));
    await page.waitForSelector(".drawn");
    await page.waitForSelector(".pulse.live >> visible=true");
    await page.waitForLoadState("networkidle", { timeout: 2_000 }).catch(() => undefined);
    await page.screenshot({ path: join(docs, `dashboard-${name}.png`) });
  };
  await shot("now", "", 1180, 820, "light");
  await shot("cost", "?view=cost&split=model&compare=true", 1180, 820, "light");
  await shot("phone", "", 390, 780, "dark");
  console.log(browser.seen.errors.join("\n") || "docs/dashboard-{now,cost,phone}.png");
} finally {
  await browser.close();
  await home.remove();
}
