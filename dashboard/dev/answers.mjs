// Answers to the contract's routes out of made-up calls. Slow and plain: it is to look at, not to measure.
// Must not: be shipped.

const iso = (ms) => new Date(ms).toISOString();
const nano = (n) => Math.round(n * 1e9) / 1e9;
const base = (path) => path.split("/").pop() ?? path;
const HOUR = 3_600_000;
const ZONE = "Europe/Berlin";

export class Bad extends Error {
  constructor(status, title, detail, hint, parameter) {
    super(detail);
    Object.assign(this, { status, title, detail, hint, parameter });
  }
}

export function sums(calls) {
  const zero = { cost: 0, calls: 0, tokens: 0, input: 0, output: 0, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0, cache_savings: 0, unpriced_calls: 0 };
  for (const call of calls) {
    zero.cost += call.cost; zero.calls += 1; zero.tokens += call.tokens; zero.input += call.input; zero.output += call.output;
    zero.cache_write_1h += call.cache_write_1h; zero.cache_read += call.cache_read; zero.cache_savings += call.savings; zero.unpriced_calls += call.unpriced ? 1 : 0;
  }
  return { ...zero, cost: nano(zero.cost), cache_savings: nano(zero.cache_savings) };
}

function grouped(calls, key) {
  const map = new Map();
  for (const call of calls) {
    const at = key(call);
    if (!map.has(at)) map.set(at, []);
    map.get(at).push(call);
  }
  return map;
}

export function civil(ms, zone) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(ms).map((part) => [part.type, Number(part.value)]));
  return [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second];
}
function instant([y, mo, d, h = 0, mi = 0, s = 0], zone) {
  const wanted = Date.UTC(y, mo - 1, d, h, mi, s);
  const offset = (ms) => Date.UTC(...civil(ms, zone).map((n, at) => (at === 1 ? n - 1 : n))) - Math.floor(ms / 1000) * 1000;
  return wanted - offset(wanted - offset(wanted));
}
const dayOf = (ms, zone) => civil(ms, zone).slice(0, 3).map((n) => String(n).padStart(2, "0")).join("-");
const weekday = (ms, zone) => { const [y, m, d] = civil(ms, zone); return (new Date(Date.UTC(y, m - 1, d)).getUTCDay() + 6) % 7; };

export function span(query, now, calls) {
  const zone = query.get("timezone") || ZONE;
  try { new Intl.DateTimeFormat("en", { timeZone: zone }); } catch { throw new Bad(400, "Bad Request", `no time zone is called "${zone}"`, "names are like Europe/Berlin", "timezone"); }
  const period = query.get("period") ?? "day";
  if (query.get("from")) return { period, zone, from: Date.parse(query.get("from")), to: Date.parse(query.get("to") ?? iso(now)) };
  const [y, m, d, h] = civil(now, zone);
  const week = d - weekday(now, zone);
  const spans = { hour: [[y, m, d, h], [y, m, d, h + 1]], day: [[y, m, d], [y, m, d + 1]], week: [[y, m, week], [y, m, week + 7]], month: [[y, m, 1], [y, m + 1, 1]] };
  if (period === "all") return { period, zone, from: calls[0]?.at ?? now, to: now };
  if (!spans[period]) throw new Bad(400, "Bad Request", `period cannot be "${period}"`, "there are: hour, day, week, month, all", "period");
  return { period, zone, from: instant(spans[period][0], zone), to: instant(spans[period][1], zone) };
}

export function chosen(calls, query, of) {
  const is = (name, test) => { const all = query.getAll(name); return (call) => all.length === 0 || all.some((one) => test(call, one)); };
  const tests = [is("project", (c, p) => c.path === p || base(c.path) === p), is("model", (c, m) => c.model === m || c.tier === m), is("branch", (c, b) => c.branch === b), is("account", (c, a) => c.account === a)];
  return calls.filter((call) => call.at >= of.from && call.at < of.to && tests.every((test) => test(call)));
}

function buckets({ from, to, zone }, granularity) {
  const starts = [];
  let at = from;
  while (at < to) {
    starts.push(at);
    const [y, m, d, h, mi] = civil(at, zone);
    at = { minute: () => at - (at % 60_000) + 60_000, hour: () => at - (at % HOUR) + HOUR, day: () => instant([y, m, d + 1], zone), week: () => instant([y, m, d - weekday(at, zone) + 7], zone), month: () => instant([y, m + 1, 1], zone) }[granularity]();
  }
  if (starts.length > 1500) throw new Bad(400, "Bad Request", `${starts.length} points are more than 1500`, "choose a coarser granularity", "granularity");
  return starts;
}

export function stats(all, query, now) {
  const of = span(query, now, all);
  const calls = chosen(all, query, of);
  const granularity = query.get("granularity") ?? { hour: "minute", day: "hour", week: "day", month: "day", all: "month" }[of.period];
  const starts = buckets(of, granularity);
  const split = query.get("split");
  const splitKey = split === "model" ? (c) => c.model : split === "project" ? (c) => base(c.path) : null;
  const largest = splitKey ? [...grouped(calls, splitKey)].map(([name, list]) => [name, sums(list).cost]).sort((a, b) => b[1] - a[1]).slice(0, 8).map(([name]) => name) : [];
  const costs = (list, key) => Object.fromEntries([...grouped(list, key)].map(([name, some]) => [name, sums(some).cost]));
  let next = 0;
  const data = starts.map((start, at) => {
    const end = starts[at + 1] ?? of.to;
    const list = [];
    while (next < calls.length && calls[next].at < end) list.push(calls[next++]);
    const rest = splitKey ? list.filter((c) => !largest.includes(splitKey(c))) : [];
    return { timestamp: iso(start), cost: sums(list).cost, calls: list.length, tokens: sums(list).tokens, unpriced_calls: sums(list).unpriced_calls, by_tier: costs(list, (c) => c.tier), ...(splitKey ? { by: costs(list.filter((c) => largest.includes(splitKey(c))), splitKey) } : {}), ...(rest.length > 0 ? { rest: sums(rest).cost } : {}) };
  });
  const total = sums(calls);
  const group = (key) => Object.fromEntries([...grouped(calls, key)].map(([name, list]) => { const s = sums(list); return [name, { call_count: s.calls, total_cost: s.cost, total_tokens: s.tokens, avg_tokens_per_call: Math.floor(s.tokens / s.calls), unpriced_calls: s.unpriced_calls }]; }));
  const active = new Set(all.filter((c) => c.at > now - 300_000).map((c) => c.session)).size;
  return {
    status: "ok", generated_at: iso(now), period: { type: of.period, start: iso(of.from), end: iso(of.to - 1000), end_exclusive: iso(of.to), timezone: of.zone },
    summary: { total_cost_usd: total.cost, total_calls: total.calls, total_tokens: total.tokens, tokens_by_type: { input: total.input, output: total.output, cache_write: total.cache_write_1h, cache_write_5m: 0, cache_write_1h: total.cache_write_1h, cache_read: total.cache_read }, cache_savings_usd: total.cache_savings, avg_cost_per_call: total.calls > total.unpriced_calls ? nano(total.cost / (total.calls - total.unpriced_calls)) : total.calls ? null : 0, unpriced_calls: total.unpriced_calls },
    by_model_tier: group((c) => c.tier), by_model: group((c) => c.model), by_project: group((c) => base(c.path) === "atlas" ? c.path : base(c.path)),
    time_series: { granularity, data }, recent_calls: calls.slice(-20).reverse().map((c) => ({ timestamp: iso(c.at), model: c.model, project: base(c.path), project_path: c.path, tokens: c.tokens, cost: c.unpriced ? null : c.cost })),
    sessions: { active_count: active, today_count: new Set(all.filter((c) => c.at > now - 86_400_000).map((c) => c.session)).size, total_count: new Set(chosen(all, query, { from: 0, to: Infinity }).map((c) => c.session)).size },
  };
}

const totals = (name, list) => { const s = sums(list); return { name, total_cost: s.cost, total_calls: s.calls, total_tokens: s.tokens, unpriced_calls: s.unpriced_calls, last_activity: iso(list[list.length - 1].at) }; };

export function projects(all, query, now) {
  const calls = chosen(all, query, span(query, now, all));
  const list = [...grouped(calls, (c) => c.path)].map(([path, some]) => ({ ...totals(base(path), some), path, branches: [...grouped(some, (c) => c.branch)].map(([name, few]) => totals(name, few)).sort((a, b) => b.total_cost - a.total_cost) }));
  return { projects: list.sort((a, b) => b.total_cost - a.total_cost) };
}

const sessionOf = (id, list, now) => ({ id, project: base(list[0].path), project_path: list[0].path, branch: list[0].branch, first: iso(list[0].at), last: iso(list[list.length - 1].at), active: list[list.length - 1].at > now - 300_000, ...sums(list), models: [...new Set(list.map((c) => c.model))] });

export function sessions(all, query, now) {
  const calls = chosen(all, query, span(query, now, all));
  const list = [...grouped(calls, (c) => c.session)].map(([id, some]) => sessionOf(id, some, now)).sort((a, b) => b.last.localeCompare(a.last));
  const [from, limit] = [Number(query.get("cursor") ?? 0), Number(query.get("limit") ?? 50)];
  return { sessions: list.slice(from, from + limit), next_cursor: from + limit < list.length ? String(from + limit) : null };
}

export function session(all, id, query, now) {
  const list = all.filter((c) => c.session === id);
  if (list.length === 0) throw new Bad(404, "Not Found", `no session is called "${id}"`, "`cco session` lists them");
  const [from, limit] = [Number(query.get("cursor") ?? 0), Number(query.get("limit") ?? 200)];
  const uses = list.flatMap((c) => c.tools.map((name) => [name, c.failed > 0]));
  return {
    session: sessionOf(id, list, now),
    calls: list.slice(from, from + limit).map((c) => ({ id: c.id, timestamp: iso(c.at), model: c.model, tier: c.tier, agent: c.agent, skill: c.skill, ...sums([c]), cost: c.unpriced ? null : c.cost, tools: c.tools, sidechain: c.agent !== "" })),
    next_cursor: from + limit < list.length ? String(from + limit) : null,
    tools: [...grouped(uses, (u) => u[0])].map(([name, some]) => ({ name, uses: some.length, failures: some.filter((u) => u[1]).length })),
    agents: [...grouped(list.filter((c) => c.agent), (c) => c.agent)].map(([name, some]) => ({ name, ...sums(some) })),
  };
}

export function breakdown(all, query, now) {
  const of = span(query, now, all);
  const calls = chosen(all, query, of);
  const what = query.get("by");
  if (what === "tool") {
    const uses = calls.flatMap((c) => c.tools.map((name) => [name, c.failed > 0]));
    return { by: what, rows: [...grouped(uses, (u) => u[0])].map(([name, some]) => ({ key: name, label: name, uses: some.length, failures: some.filter((u) => u[1]).length })) };
  }
  const keys = {
    model: (c) => c.model, project: (c) => c.path, branch: (c) => c.branch, session: (c) => c.session, agent: (c) => c.agent, skill: (c) => c.skill, account: (c) => c.account,
    mcp: (c) => /^mcp__([^_]+)/.exec(c.tools[0] ?? "")?.[1] ?? "", hour_of_day: (c) => String(civil(c.at, of.zone)[3]), weekday: (c) => String(weekday(c.at, of.zone) + 1),
    weekday_hour: (c) => `${weekday(c.at, of.zone) + 1}-${civil(c.at, of.zone)[3]}`, day: (c) => dayOf(c.at, of.zone),
  };
  if (!keys[what]) throw new Bad(400, "Bad Request", `by cannot be "${what}"`, "", "by");
  // Accounts have the ledger's number as their key.
  const numbers = [...grouped(calls, (c) => c.account).keys()].sort();
  const named = (key) => (what === "account" ? { key: String(numbers.indexOf(key) + 1), label: key } : { key, label: key });
  return { by: what, rows: [...grouped(calls, keys[what])].map(([key, list]) => ({ ...named(key), ...sums(list), last_activity: iso(list[list.length - 1].at) })).sort((a, b) => b.cost - a.cost) };
}

export function blocks(all, now) {
  const start = now - (now % HOUR) - HOUR;
  const list = all.filter((c) => c.at >= start);
  const s = sums(list);
  const minutes = (now - start) / 60_000;
  const late = sums(list.filter((c) => c.at > now - 1_800_000));
  return { blocks: list.length === 0 ? [] : [{ start: iso(start), end: iso(start + 5 * HOUR), last: iso(list[list.length - 1].at), active: true, gap: false, ...s, burn_rate: { tokens_per_minute: s.tokens / minutes, cost_per_hour: nano((s.cost / minutes) * 60), calls: s.calls, unpriced_calls: s.unpriced_calls }, burn_rate_recent: { tokens_per_minute: late.tokens / 30, cost_per_hour: nano(late.cost * 2), calls: late.calls, unpriced_calls: late.unpriced_calls }, projection: { tokens: s.tokens * 2, cost: nano(s.cost + (late.cost * 2 * (5 * HOUR - (now - start))) / HOUR), minutes_left: Math.floor((start + 5 * HOUR - now) / 60_000) } }] };
}

export function limits(now, isHostile) {
  const window = (name, percent, hours, pace, age = 70, more = {}) => ({ window: name, state: "open", percent, resetsAt: iso(now + hours * HOUR), observedAt: iso(now - age * 1000), ageSeconds: age, source: "endpoint", mark: "", localTokens: null, pace, ...more });
  const account = (name, windows, more = {}) => ({ account: name, accountUuid: "5d1f7a52-0000-4000-a000-000000000001", organizationUuid: "", email: name, directories: ["/home/ann/.claude"], login: { state: "active", reason: null, since: null }, loggedIn: true, sessions: "live", nextTry: null, trouble: null, lastSuccess: iso(now - 70_000), lastFailure: null, windows, ...more });
  return {
    accounts: [
      account(isHostile ? "<img src=x onerror=alert(7)>@example.com" : "ann@example.com", [
        window("five_hour", 42, 2.3, { percentPerHour: 15.4, percentAtReset: 76.8, fullAt: null }),
        window("seven_day", 81, 61, { percentPerHour: 0.6, percentAtReset: 117.1, fullAt: iso(now + 31 * HOUR) }),
        window("seven_day_opus", 12, 61, null),
      ]),
      account("team@example.org", [
        window("five_hour", 96, 0.8, { percentPerHour: 30, percentAtReset: 120, fullAt: iso(now + 600_000) }, 2_400, { mark: "⚠", source: "claude_cache" }),
        window("seven_day", null, 0, null, 0, { state: "local", percent: null, resetsAt: null, observedAt: null, ageSeconds: null, source: null, localTokens: 12_345_678 }),
      ], { trouble: "login", login: { state: "needs_login", reason: "unauthorized", since: iso(now - 9 * HOUR) }, lastSuccess: iso(now - 9 * HOUR), lastFailure: { at: iso(now - 60_000), outcome: "unauthorized" }, nextTry: iso(now + 540_000) }),
    ],
    alerts: [{ kind: "near", account: "ann@example.com", window: "seven_day", detail: "81% used" }, { kind: "needs_login", account: "team@example.org", window: null, detail: "its login has ended: run `claude /login`" }],
  };
}

const camel = (list) => { const s = sums(list); return { inputTokens: s.input, outputTokens: s.output, cacheCreation5mTokens: 0, cacheCreation1hTokens: s.cache_write_1h, cacheReadTokens: s.cache_read, totalTokens: s.tokens, webSearches: 0, totalCost: s.cost, cacheSavings: s.cache_savings, calls: s.calls, unpricedCalls: s.unpriced_calls, unpricedTokens: 0 }; };

export function explain(all, query, now) {
  const what = query.get("what") ?? "";
  const group = (list) => ({
    ...camel(list), firstActivity: iso(list[0].at), lastActivity: iso(list[list.length - 1].at),
    models: [...grouped(list, (c) => c.model)].map(([modelName, some]) => ({ modelName, ...camel(some) })),
    sessions: [...grouped(list, (c) => c.session)].map(([sessionId, some]) => ({ sessionId, ...camel(some) })),
    projects: [...grouped(list, (c) => c.path)].map(([path, some]) => ({ project: base(path), path, ...camel(some) })),
    dearestCalls: [...list].sort((a, b) => b.cost - a.cost).slice(0, 10).map((c) => ({ id: c.id, time: iso(c.at), modelName: c.model, sessionId: c.session, cost: c.cost, totalTokens: c.tokens })),
    findings: [], findingsTotal: 0,
  });
  const found = (list) => { if (list.length === 0) throw new Bad(404, "Not Found", `nothing is called "${what.slice(0, 80)}"`, "give a day, a session, a call or a project"); return list; };
  const zone = query.get("timezone") || ZONE;
  if (/^\d{4}-\d\d-\d\d$/.test(what)) return { day: { date: what, timezone: zone, ...group(found(all.filter((c) => dayOf(c.at, zone) === what))) } };
  if (what.startsWith("#")) {
    const [c] = found(all.filter((one) => one.id === Number(what.slice(1))));
    return { call: { id: c.id, time: iso(c.at), modelName: c.model, sessionId: c.session, projectPath: c.path, branch: c.branch, sidechain: false, ...camel([c]), cost: c.cost, price: { priceList: "2026-11-01", agrees: true, pricedAs: c.model, day: dayOf(c.at, zone), classes: [{ class: "input", tokens: c.input, rate: 5, cost: 0.0001 }, { class: "output", tokens: c.output, rate: 25, cost: 0.02 }], total: c.cost }, tools: c.tools.map((name) => ({ name, failed: false })), rows: [{ path: "/home/ann/.claude/projects/-home-ann-code-atlas/1.jsonl", offset: 128934, place: "there", verdict: "kept", why: "the last row of the call", time: iso(c.at), outputTokens: c.output }, { path: "/home/ann/.claude/projects/-home-ann-code-atlas/1.jsonl", offset: 127001, place: "there", verdict: "dropped", reason: "earlier", why: "an earlier row of the same answer", time: iso(c.at - 900), outputTokens: 3 }] } };
  }
  const bySession = all.filter((c) => c.session === what);
  if (bySession.length > 0) return { session: { sessionId: what, projectPath: bySession[0].path, ...group(bySession) } };
  return { project: { project: base(what), path: what, ...group(found(all.filter((c) => c.path === what || base(c.path) === what))) } };
}

export function sources(all, now, isHostile) {
  return {
    roots: [
      { path: isHostile ? "/home/<b>x</b>/\u202Eprojects" : "/home/ann/.claude/projects", usable: true, transcripts: 1843, gone: 412, bytes: 2_914_233_110, last_event: iso(all.at(-1)?.at ?? now), damaged_lines: 3, skipped_rows: 918_222 },
      { path: "/mnt/backup/.claude/projects", usable: false, transcripts: 0, gone: 0, bytes: 0, last_event: null, damaged_lines: 0, skipped_rows: 0 },
    ],
    ledger: { path: "/home/ann/.cco/ledger.db", bytes: 48_234_496, calls: all.length, seq: all.length, zone: ZONE }, prices: { list: "2026-11-01" },
    watcher: { mode: "events", since: iso(now - 3 * HOUR) }, broker: { last_success: iso(now - 70_000), last_failure: iso(now - 9 * HOUR), last_failure_reason: "unauthorized" },
    elsewhere: { path: "", usable: false, transcripts: 0, gone: 7, bytes: 0, last_event: iso(now - 900 * HOUR), damaged_lines: 0, skipped_rows: 0 },
  };
}

export const health = (now, isWell) => ({ status: isWell ? "ok" : "failing", checks: [["ledger", true, "48 MB, 1.2 ms to ask"], ["watcher", true, "2 roots by events"], ["broker", isWell, isWell ? "heard 70 s ago" : "team@example.org: run `claude /login`"], ["disk", true, "212 GB free"], ["lag", true, "80 ms behind"]].map(([name, ok, detail]) => ({ name, ok, detail, at: iso(now - 4_000) })) });
