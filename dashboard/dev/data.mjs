// A made-up year of calls, the same each time but for its end, which is now.
// Must not: be shipped; nothing under dev/ goes into the bundle.

import { PAYLOADS } from "./payloads.mjs";

const MODELS = [
  ["claude-opus-4-8", "Opus", 5, 25], ["claude-sonnet-4-6", "Sonnet", 3, 15], ["claude-haiku-4-5-20251001", "Haiku", 1, 5], ["lighthouse-preview", "Unknown", 0, 0],
];
const PROJECTS = ["/home/ann/code/atlas", "/home/ann/code/tide-tables", "/home/ann/code/web/storefront", "/home/ann/code/infra", "/home/ann/notes", "/home/ann/code/a-very-long-project-name-that-does-not-fit-anywhere-at-all", "/srv/build/atlas"];
const BRANCHES = ["main", "feature/checkout-flow", "fix/1842-timezone-of-reports", "release/2.4", ""];
const TOOLS = ["Bash", "Read", "Edit", "Grep", "Glob", "Write", "WebFetch", "TodoWrite", "mcp__github__search_issues", "mcp__postgres__query", "Task"];
const AGENTS = ["", "", "", "", "code-reviewer", "Explore", "test-runner"];
const SKILLS = ["", "", "", "", "", "pdf", "commit"];

export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

let nextId = 1;

export function call(at, rnd, session) {
  const [model, tier, input, output] = MODELS[Math.floor(rnd() ** 1.6 * 3.06)] ?? MODELS[0];
  const tokens = { input: Math.floor(rnd() * 40) + 2, output: Math.floor(rnd() ** 2 * 4_000) + 20, cache_write_5m: 0, cache_write_1h: Math.floor(rnd() ** 3 * 24_000), cache_read: Math.floor(rnd() * 120_000) + 9_000 };
  if (rnd() < 0.05) tokens.input += 30_000;
  const nano = (dollars) => Math.round(dollars * 1e9) / 1e9;
  const cost = nano((tokens.input * input + tokens.output * output + tokens.cache_write_1h * input * 2 + tokens.cache_read * input * 0.1) / 1e6);
  const savings = nano((tokens.cache_read * input * 0.9 - tokens.cache_write_1h * input) / 1e6);
  const tools = rnd() < 0.8 ? [TOOLS[Math.floor(rnd() ** 1.7 * TOOLS.length)]] : [];
  if (rnd() < 0.15) tools.push("Read");
  return { id: nextId++, at, model, tier, ...tokens, tokens: tokens.input + tokens.output + tokens.cache_write_1h + tokens.cache_read, cost, savings, unpriced: input === 0, tools, failed: rnd() < 0.06 ? tools.length : 0, agent: AGENTS[Math.floor(rnd() * AGENTS.length)], skill: SKILLS[Math.floor(rnd() * SKILLS.length)], ...session };
}

export function year(now, isHostile) {
  const rnd = random(7);
  const projects = isHostile ? [...PROJECTS.slice(0, 2), ...PAYLOADS.map((name) => `/home/ann/${name}`)] : PROJECTS;
  const branches = isHostile ? ["main", ...PAYLOADS] : BRANCHES;
  const accounts = isHostile ? PAYLOADS.slice(0, 2) : ["ann@example.com", "team@example.org"];
  const odd = (of) => (isHostile ? { ...of, model: PAYLOADS[of.id % PAYLOADS.length], tools: [PAYLOADS[(of.id * 7) % PAYLOADS.length]], agent: PAYLOADS[(of.id * 3) % PAYLOADS.length], skill: PAYLOADS[(of.id * 5) % PAYLOADS.length] } : of);
  const calls = [];
  const session = (at, project) => {
    const id = [8, 4, 4, 4, 12].map((n) => Array.from({ length: n }, () => "0123456789abcdef"[Math.floor(rnd() * 16)]).join("")).join("-");
    const path = project ?? projects[Math.floor(rnd() ** (isHostile ? 1 : 1.8) * projects.length)];
    return { session: id, path, branch: branches[Math.floor(rnd() ** (isHostile ? 1 : 1.5) * branches.length)], account: accounts[rnd() < 0.8 ? 0 : 1] };
  };
  for (let day = 330; day >= 0; day--) {
    const midnight = now - (now % 86_400_000) - day * 86_400_000;
    const weekday = new Date(midnight).getUTCDay();
    const busy = (weekday === 0 || weekday === 6 ? 0.25 : 1) * (0.4 + 0.6 * (1 - day / 330)) * (rnd() < 0.08 ? 0 : 1);
    for (let n = Math.floor(busy * (2 + rnd() * 5)); n > 0; n--) {
      let at = midnight + (7.5 + rnd() * 13) * 3_600_000;
      const of = session(at);
      for (let count = Math.floor(4 + rnd() * 36); count > 0; count--) {
        at += rnd() * 110_000;
        if (at < now) calls.push(odd(call(at, rnd, of)));
      }
    }
  }
  for (const project of projects.slice(0, 3)) {
    const of = session(now, project);
    for (let at = now - 80 * 60_000 * (0.4 + rnd()); at < now - 20_000; at += 20_000 + rnd() * 150_000) calls.push(call(at, rnd, of));
    calls.push(call(now - 10_000 - rnd() * 200_000, rnd, of));
  }
  return calls.sort((a, b) => a.at - b.at);
}

