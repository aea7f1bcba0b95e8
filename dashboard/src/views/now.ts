// Now: how near the limits are, how fast it goes, today, what runs.
// Must not: depend on the period of the filters; it is always today.

import { get, path } from "../api.ts";
import { dateOf } from "../civil.ts";
import { count, instant, lasting, money, moneyExact, plural, share, tokens } from "../format.ts";
import { named } from "../names.ts";
import type { Page, View, Where } from "../page.ts";
import { chart } from "../parts/chart.ts";
import { type Child, button, h } from "../parts/dom.ts";
import { age, badge, card, figures, number, time } from "../parts/figure.ts";
import { gauge, windowName } from "../parts/gauge.ts";
import { withCommands } from "../parts/states.ts";
import { table } from "../parts/table.ts";
import { bucketName, tick } from "../period.ts";
import { type Query, type State, filters } from "../state.ts";
import type { Account, Alert, Block, Limits, RecentCall, Session, SessionPage, Stats } from "../types.ts";
import { hitRatio, statsSeries } from "./common.ts";

interface Now { stats: Stats; limits: Limits; block: Block | null; sessions: Session[]; query: Query }

export const now: View<Now> = {
  key: "now",
  title: "Now",
  uses: ["project", "model", "account", "zone"],
  async load(state: State, signal: AbortSignal): Promise<Now> {
    const query = filters({ ...state, period: "day", from: "", to: "" });
    const [stats, limits, blocks, sessions] = await Promise.all([
      get<Stats>("/api/stats", query, signal),
      get<Limits>("/api/limits", {}, signal),
      get<{ blocks: Block[] }>("/api/stats/blocks", { active: "true" }, signal),
      get<SessionPage>("/api/stats/sessions", { ...query, limit: "50" }, signal),
    ]);
    const block = blocks.blocks.find((one) => one.active && !one.gap) ?? null;
    return { stats, limits, block, sessions: sessions.sessions.filter((one) => one.active), query };
  },
  isEmpty: ({ stats, limits }) => stats.summary.total_calls === 0 && stats.sessions.total_count === 0 && limits.accounts.length === 0,
  zone: ({ stats }) => stats.period.timezone,
  draw(data: Now, page: Page): Node[] {
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
  if (!account.loggedIn) return badge("logged out", "plain");
  return account.login.state === "needs_login" ? badge("login needed", "bad", { title: account.login.reason ?? "" }) : null;
}

function trouble(page: Page, account: Account): Child {
  if (!account.trouble) return null;
  const next = instant(account.nextTry);
  return h("span", { class: "muted" }, badge(account.trouble, "warn"),
    account.lastSuccess ? [" last heard ", age(page, account.lastSuccess)] : null,
    next !== null && next > page.now ? `, next try in ${lasting(next - page.now)}` : null);
}

function today(page: Page, { stats, query }: Now): HTMLElement {
  const { summary } = stats;
  const says = "All calls since midnight of this zone, each counted once and priced at the list of its day.";
  const where = (title: string, value: string) => ({
    title: title.startsWith("Cost, ") ? title : `${title}, today`, value, says, route: path("/api/stats", query),
    explain: [{ label: "today", what: dateOf(page.now, page.zone) }],
  });
  const hits = hitRatio(summary.tokens_by_type);
  const told = statsSeries(stats, "tier");
  return card("Today", [h("span", { class: "muted" }, "API value, ", page.zone)],
    figures(page, "Today", [
      { label: "Cost", text: money(summary.total_cost_usd), exact: summary.total_cost_usd, where: where("Cost", moneyExact(summary.total_cost_usd)), isMain: true, note: summary.unpriced_calls ? `${plural(summary.unpriced_calls, "call")} without a price` : null },
      { label: "Calls", text: count(summary.total_calls), exact: summary.total_calls, where: where("Calls", count(summary.total_calls)) },
      { label: "Tokens", text: tokens(summary.total_tokens), exact: summary.total_tokens, where: where("Tokens", count(summary.total_tokens)) },
      { label: "From cache", text: share(hits), exact: hits ?? "", where: where("Share of the prompt that came from the cache", share(hits, 3)), note: `${money(summary.cache_savings_usd)} saved` },
    ]),
    chart(page, {
      title: "Cost by hour", kind: "bars", height: 150, text: money, exact: moneyExact, axis: (value) => `$${value}`,
      where: (at) => {
        const point = stats.time_series.data[at];
        return where(`Cost, ${bucketName(instant(point?.timestamp) ?? 0, "hour", page.zone)}`, moneyExact(point?.cost ?? 0));
      },
      ticks: stats.time_series.data.map((point) => tick(instant(point.timestamp) ?? 0, "hour", page.zone)),
      names: stats.time_series.data.map((point) => bucketName(instant(point.timestamp) ?? 0, "hour", page.zone)),
      series: told,
    }),
  );
}

function burn(page: Page, { block }: Now): HTMLElement {
  if (!block) {
    return card("This block", null, h("div", { class: "quiet-state" }, h("p", null, "No block runs."), h("p", { class: "muted" }, "A block begins with the next call, and lasts five hours.")));
  }
  const route = path("/api/stats/blocks", { active: "true" });
  const where = (title: string, value: string, says: string): Where => ({ title, value, says, route, explain: [{ label: "this block", within: { from: block.start } }] });
  const rate = block.burn_rate_recent ?? block.burn_rate;
  const { projection } = block;
  const items = [
    { label: "Cost so far", text: money(block.cost), exact: block.cost, isMain: true, where: where("Cost of this block", moneyExact(block.cost), `All calls since the block began, ${block.start}.`), note: [plural(block.calls, "call")] },
  ];
  const facts = [
    ...items,
    ...(rate ? [
      { label: "An hour", text: money(rate.cost_per_hour), exact: rate.cost_per_hour, where: where("Cost an hour", moneyExact(rate.cost_per_hour), block.burn_rate_recent ? "The calls of the last 30 minutes, for an hour." : "The calls of this block, for an hour."), note: block.burn_rate_recent ? "last 30 minutes" : "whole block" },
      { label: "Tokens a minute", text: tokens(rate.tokens_per_minute), exact: rate.tokens_per_minute, where: where("Tokens a minute", String(rate.tokens_per_minute), "The tokens of those calls, for a minute.") },
    ] : []),
    ...(projection ? [
      { label: "At its end", text: money(projection.cost), exact: projection.cost, where: where("Cost at the block's end", moneyExact(projection.cost), "What is spent, and what is left of the block at the present rate."), note: `${lasting(projection.minutes_left * 60_000)} left` },
    ] : []),
  ];
  return card("This block", [h("span", { class: "muted" }, "began ", time(page, block.start), block.end ? [", ends ", time(page, block.end)] : null)], figures(page, "This block", facts), progress(block, page.now));
}

function progress(block: Block, at: number): Child {
  const [start, end] = [instant(block.start), instant(block.end)];
  if (start === null || end === null) return null;
  const part = Math.min(1, Math.max(0, (at - start) / (end - start)));
  const inner = h("i", { class: "used" });
  inner.style.width = `${part * 100}%`;
  return h("div", { class: "block-time" }, h("div", { class: "meter thin", role: "meter", attrs: { "aria-label": "Time of the block", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(part * 100) } }, inner),
    h("p", { class: "muted" }, `${lasting(at - start)} gone, ${lasting(Math.max(0, end - at))} left`));
}

function running(page: Page, { sessions, stats, query }: Now): HTMLElement {
  const route = path("/api/stats/sessions", query);
  return card("Running sessions", [h("span", { class: "muted" }, `${count(stats.sessions.active_count)} active, ${count(stats.sessions.today_count)} today, ${count(stats.sessions.total_count)} in all`)],
    table(page, {
      title: "Running sessions", rows: sessions, empty: "No session had a call in the last five minutes.",
      open: (session) => page.set({ view: "projects", project: session.project_path, branch: "", session: session.id }),
      columns: [
        { label: "Project", kind: "text", value: (row) => row.project },
        { label: "Branch", kind: "text", value: (row) => row.branch, wide: true },
        { label: "Cost", kind: "money", value: (row) => row.cost, where: (row) => ({ title: `Cost of a session in ${named(row.project)}`, value: moneyExact(row.cost), says: "The session's calls of today.", route, explain: [{ label: "session", what: row.id }] }) },
        { label: "Tokens", kind: "tokens", value: (row) => row.tokens, wide: true },
        { label: "Last call", kind: "age", value: (row) => row.last },
      ],
    }));
}

function recent(page: Page, { stats, query }: Now): HTMLElement {
  const all = button("All of today", () => page.set({ view: "cost", period: "day", from: "", to: "" }), { class: "quiet" });
  return card("Latest calls", all, h("ol", { class: "feed" }, stats.recent_calls.slice(0, 10).map((call: RecentCall) =>
    h("li", null, age(page, call.timestamp), h("span", { class: "name", title: call.project }, named(call.project)), h("span", { class: "model", title: call.model }, named(call.model)),
      number(page, money(call.cost), { title: `A call of ${named(call.model)}`, value: `${moneyExact(call.cost)}, ${count(call.tokens)} tokens`, says: "One call, priced at the list of its day.", route: path("/api/stats", query), explain: [{ label: "today", what: dateOf(page.now, page.zone) }] })))),
    stats.recent_calls.length === 0 ? h("p", { class: "nothing" }, "No call today yet.") : null);
}
