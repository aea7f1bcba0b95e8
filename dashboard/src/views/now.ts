// Now: how near the limits are, how fast it goes, today, what runs.
// Must not: depend on the period of the filters; it is always today.

import { get, path } from "../api.ts";
import { dateOf } from "../civil.ts";
import { count, instant, lasting, money, moneyAxis, moneyExact, plural, savedWords, share, tokens } from "../format.ts";
import { named } from "../names.ts";
import type { Page, View, Where } from "../page.ts";
import { chart } from "../parts/chart.ts";
import { type Child, button, h } from "../parts/dom.ts";
import { type Figure, age, amount, badge, card, countdown, figures, marked, number, time } from "../parts/figure.ts";
import { gauge, windowName } from "../parts/gauge.ts";
import { nothing, withCommands } from "../parts/states.ts";
import { table } from "../parts/table.ts";
import { bucketName, tick } from "../period.ts";
import { type Query, type State, chosen, filters } from "../state.ts";
import type { Account, Alert, Block, Burn, Limits, RecentCall, Session, SessionPage, Stats } from "../types.ts";
import { bucketsOf, hitRatio, pricedOf, statsSeries } from "./common.ts";

interface Now { stats: Stats; limits: Limits; block: Block | null; sessions: Session[]; query: Query }

export const now: View<Now> = {
  key: "now",
  async load(state: State, signal: AbortSignal): Promise<Now> {
    const query = filters({ ...state, period: "day", from: "", to: "" });
    const [stats, limits, blocks, sessions] = await Promise.all([
      get<Stats>("/api/stats", query, signal),
      get<Limits>("/api/limits", {}, signal),
      get<{ blocks: Block[] }>("/api/stats/blocks", runningBlock(query), signal),
      get<SessionPage>("/api/stats/sessions", { ...query, limit: "50" }, signal),
    ]);
    const block = blocks.blocks.find((one) => one.active && !one.gap) ?? null;
    return { stats, limits, block, sessions: sessions.sessions.filter((one) => one.active), query };
  },
  isEmpty: ({ stats, limits }) => stats.summary.total_calls === 0 && stats.sessions.total_count === 0 && limits.accounts.length === 0,
  zone: ({ stats }) => stats.period.timezone,
  draw(data: Now, page: Page): Node[] {
    const { summary, sessions } = data.stats;
    const matchesNothing = chosen(page.state).length > 0 && summary.total_calls === 0 && sessions.total_count === 0;
    if (matchesNothing) return [...alerts(data.limits.alerts), limits(page, data.limits), nothing(page)];
    return [
      ...alerts(data.limits.alerts),
      limits(page, data.limits),
      h("div", { class: "split" },
        h("div", { class: "stack" }, today(page, data), running(page, data)),
        h("div", { class: "stack" }, burn(page, data), recent(page, data))),
    ];
  },
};

const ALERTS: Record<string, string> = { near: "Near the limit", full: "Limit reached", needs_login: "Login needed", all_logins_dead: "No login works" };

function alerts(told: readonly Alert[]): Node[] {
  if (told.length === 0) return [];
  return [h("ul", { class: "alerts", attrs: { "aria-label": "Alerts" } }, told.map((alert) =>
    h("li", { class: alert.kind === "near" ? "warn" : "bad" },
      h("strong", null, ALERTS[alert.kind] ?? alert.kind.replaceAll("_", " ")),
      h("span", null, [alert.account, alert.window ? windowName(alert.window) : null].filter(Boolean).join(", ")),
      h("span", { class: "muted" }, withCommands(alert.detail)))))];
}

function limits(page: Page, { accounts }: Limits): HTMLElement {
  if (accounts.length === 0) {
    return card("Limits", null, h("p", { class: "nothing" }, "No account is known. ", withCommands("Log in with `claude /login`, and its limits appear here.")));
  }
  const rows = accounts.flatMap((account) => account.windows.map((window) => ({ account, window })));
  page.sheet.push({
    kind: "table", title: "Limits", isNumber: [false, false, true, false, false, false],
    header: ["account", "window", "percent", "resets at", "observed at", "source"],
    rows: rows.map(({ account, window }) => [account.account, window.window, window.percent, window.resetsAt, window.observedAt, window.source]),
    texts: rows.map(({ account, window }) => [account.account, windowName(window.window), window.percent === null ? "–" : `${window.percent}%`, window.resetsAt ?? "–", window.observedAt ?? "–", window.source ?? "–"]),
  });
  return h("section", { class: "limits", attrs: { "aria-label": "Limits" } }, accounts.map((account) => accountPart(page, account)));
}

function accountPart(page: Page, account: Account): HTMLElement {
  return h("div", { class: "account" },
    h("header", null, h("h2", { title: account.directories.join(", ") }, account.account), login(account), trouble(page, account)),
    account.windows.length > 0
      ? h("div", { class: "gauges" }, account.windows.map((window) => gauge(page, account, window)))
      : h("p", { class: "nothing" }, "Nothing is known of this account's limits yet."),
  );
}

function login(account: Account): Child {
  if (!account.loggedIn) return [badge("logged out", "plain"), h("span", { class: "muted" }, withCommands("Its login is not on this machine: run `claude /login`."))];
  return account.login.state === "needs_login" ? badge("login needed", "bad", { title: account.login.reason ?? "" }) : null;
}

function trouble(page: Page, account: Account): Child {
  if (!account.trouble) return null;
  const next = instant(account.nextTry);
  return h("span", { class: "muted" }, badge(account.trouble, "warn"),
    account.lastSuccess ? [" last answer ", age(page, account.lastSuccess)] : null,
    next !== null && next > page.now ? `, next try in ${lasting(next - page.now)}` : null);
}

function today(page: Page, { stats, query }: Now): HTMLElement {
  const { summary } = stats;
  const priced = pricedOf(summary);
  const says = "All calls since midnight of this zone, each counted once and priced at the list of its day.";
  const where = (title: string, value: string) => ({
    title: title.startsWith("Cost, ") ? title : `${title}, today`, value, says, route: path("/api/stats", query),
    explain: [{ label: "today", what: dateOf(page.now, page.zone) }],
  });
  const hits = hitRatio(summary.tokens_by_type);
  const told = statsSeries(stats, "tier");
  return card("Today", [h("span", { class: "muted" }, "API value, ", page.zone)],
    figures(page, "Today", [
      amount("Cost", summary.total_cost_usd, priced, (value) => where("Cost", value), { isMain: true, note: priced.unpriced_calls ? `${plural(priced.unpriced_calls, "call")} without a price` : null }),
      { label: "Calls", text: count(summary.total_calls), exact: summary.total_calls, where: where("Calls", count(summary.total_calls)) },
      { label: "Tokens", text: tokens(summary.total_tokens), exact: summary.total_tokens, where: where("Tokens", count(summary.total_tokens)) },
      { label: "From cache", text: share(hits), exact: hits ?? "", where: where("Share of the prompt that came from the cache", share(hits, 3)), note: savedWords(summary.cache_savings_usd, marked(priced)) },
    ]),
    chart(page, {
      title: "Cost by hour", kind: "bars", height: 150, text: money, exact: moneyExact, axis: moneyAxis,
      where: (at) => {
        const point = stats.time_series.data[at];
        return where(`Cost, ${bucketName(instant(point?.timestamp) ?? 0, "hour", page.zone)}`, point ? moneyExact(point.cost, marked(point)) : "");
      },
      ...bucketsOf(stats),
      ticks: stats.time_series.data.map((point) => tick(instant(point.timestamp) ?? 0, "hour", page.zone)),
      names: stats.time_series.data.map((point) => bucketName(instant(point.timestamp) ?? 0, "hour", page.zone)),
      series: told,
    }),
  );
}

/** The question for the block that runs, of the same calls. */
function runningBlock({ period: _, ...query }: Query): Query {
  return { ...query, active: "true" };
}

function burn(page: Page, { block, query }: Now): HTMLElement {
  if (!block) {
    return card("This block", null, h("div", { class: "quiet-state" }, h("p", null, "No block runs."), h("p", { class: "muted" }, "A block begins with the next call, and lasts five hours.")));
  }
  const route = path("/api/stats/blocks", runningBlock(query));
  const where = (title: string, value: string, says: string): Where => ({ title, value, says, route, explain: [{ label: "this block", within: { from: block.start } }] });
  const pace = (label: string, rate: Burn | null, says: string): Figure[] => (rate ? [
    amount(label, rate.cost_per_hour, rate, (value) => where(`Cost an hour, ${label.toLowerCase()}`, value, says), { note: `an hour, ${tokens(rate.tokens_per_minute)} tokens a minute` }),
  ] : []);
  const facts = [
    amount("Cost so far", block.cost, block, (value) => where("Cost of this block", value, `All calls since the block began, ${block.start}.`), { isMain: true, note: plural(block.calls, "call") }),
    ...pace("Last 30 minutes", block.burn_rate_recent, "What the calls of the last 30 minutes cost, twice: for an hour."),
    ...pace("Whole block", block.burn_rate, "What the calls of this block cost, by the time from the first to the last of them, for an hour."),
    ...(block.projection ? [
      amount("At its end", block.projection.cost, block, (value) => where("Cost at the block's end", value, "What is spent, and the rate of the whole block for the time that is left. An estimate."), { ...(marked(block) === "?" ? {} : { text: `~${money(block.projection.cost, marked(block))}` }), note: "at the whole block's rate" }),
    ] : []),
  ];
  const early = block.projection ? null : h("p", { class: "muted" }, "Too early to say where it ends up: from the first of its calls to the last it is less than ten minutes.");
  return card("This block", [h("span", { class: "muted" }, "began ", time(page, block.start), block.end ? [", ends ", time(page, block.end)] : null)], figures(page, "This block", facts), early, progress(page, block));
}

function progress(page: Page, block: Block): Child {
  const [start, end] = [instant(block.start), instant(block.end)];
  if (start === null || end === null) return null;
  const part = Math.min(1, Math.max(0, (page.now - start) / (end - start)));
  const inner = h("i", { class: "used" });
  inner.style.width = `${part * 100}%`;
  return h("div", { class: "block-time" }, h("div", { class: "meter thin", role: "meter", attrs: { "aria-label": "Time of the block", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(part * 100) } }, inner),
    h("p", { class: "muted" }, countdown(page, block.end ?? ""), " of five hours left"));
}

function running(page: Page, { sessions, stats, query }: Now): HTMLElement {
  const route = path("/api/stats/sessions", query);
  return card("Running sessions, today", [h("span", { class: "muted" }, `${count(stats.sessions.active_count)} active, ${count(stats.sessions.today_count)} today, ${count(stats.sessions.total_count)} in all`)],
    table(page, {
      title: "Running sessions", rows: sessions, empty: "No session had a call in the last five minutes.",
      open: (session) => page.set({ view: "projects", project: session.project_path, branch: "", session: session.id }),
      columns: [
        { label: "Project", kind: "text", value: (row) => page.called(row.project_path) },
        { label: "Branch", kind: "text", value: (row) => row.branch, wide: true },
        { label: "Cost", kind: "money", value: (row) => row.cost, priced: (row) => row, where: (row) => ({ title: `Cost of a session in ${page.called(row.project_path)}, today`, value: moneyExact(row.cost, marked(row)), says: "The session's calls of today.", route, explain: [{ label: "session", what: row.id }] }) },
        { label: "Tokens", kind: "tokens", value: (row) => row.tokens, wide: true },
        { label: "Last call", kind: "age", value: (row) => row.last },
      ],
    }));
}

function recent(page: Page, { stats, query }: Now): HTMLElement {
  const all = button("All of today", () => page.set({ view: "cost", period: "day", from: "", to: "" }), { class: "quiet" });
  return card("Latest calls", all, h("ol", { class: "feed" }, stats.recent_calls.slice(0, 10).map((call: RecentCall) =>
    h("li", null, age(page, call.timestamp), h("span", { class: "name", title: call.project_path }, page.called(call.project_path)), h("span", { class: "model", title: call.model }, named(call.model)),
      number(page, money(call.cost ?? 0, call.cost === null ? "?" : ""), { title: `A call of ${named(call.model)}`, value: `${moneyExact(call.cost ?? 0, call.cost === null ? "?" : "")}, ${count(call.tokens)} tokens`, says: "One call, priced at the list of its day.", route: path("/api/stats", query), explain: [{ label: "today", what: dateOf(page.now, page.zone) }] })))),
    stats.recent_calls.length === 0 ? h("p", { class: "nothing" }, "No call today yet.") : null);
}
