// Cost: over time, stacked, beside the time before; by tier, model and project.
// Must not: add up what the API adds up.

import { get, path } from "../api.ts";
import { change, count, instant, money, moneyAxis, moneyExact, perCallText, plural, tokens } from "../format.ts";
import { UNKNOWN, named } from "../names.ts";
import type { Page, View, Where } from "../page.ts";
import { chart } from "../parts/chart.ts";
import { h } from "../parts/dom.ts";
import { type Figure, amount, card, choice, figures, marked } from "../parts/figure.ts";
import { type Column, table } from "../parts/table.ts";
import { type Span, asFilter, before, beforeWords, bucketName, inWords, spanOf, spanWords, tick } from "../period.ts";
import { type Query, type State, SPLITS, filters } from "../state.ts";
import type { Group, Stats } from "../types.ts";
import { bucketsOf, pricedOf, statsSeries } from "./common.ts";

interface Cost {
  stats: Stats;
  query: Query;
  span: Span;
  /** The whole time before, and it up to where this one is by now. */
  earlier: { stats: Stats; span: Span; sameFar: Stats; isWhole: boolean } | null;
}

export const cost: View<Cost> = {
  key: "cost",
  async load(state: State, signal: AbortSignal): Promise<Cost> {
    const query: Query = { ...filters(state), ...(state.granularity ? { granularity: state.granularity } : {}), ...(state.split === "tier" ? {} : { split: state.split }) };
    const stats = await get<Stats>("/api/stats", query, signal);
    const span = spanOf(stats);
    return { stats, query, span, earlier: state.compare ? await compared(state, stats, span, signal) : null };
  },
  isEmpty: ({ stats }) => stats.summary.total_calls === 0 && stats.sessions.total_count === 0,
  zone: ({ stats }) => stats.period.timezone,
  draw(data: Cost, page: Page): Node[] {
    return [summary(page, data), series(page, data), h("div", { class: "split" }, models(page, data), projects(page, data))];
  },
};

async function compared(state: State, stats: Stats, span: Span, signal: AbortSignal): Promise<Cost["earlier"]> {
  const earlier = before(span, state.period, state.from !== "", stats.period.timezone);
  if (!earlier) return null;
  const rest: Query = filters(state);
  delete rest["period"];
  const granularity = stats.time_series.granularity;
  // The clock is this browser's: an answer that did not change keeps the time at which it was first given.
  const far = Math.min(earlier.to, earlier.from + (Math.max(span.from, Math.min(span.to, Date.now())) - span.from));
  const ask = (of: Span): Promise<Stats> => get<Stats>("/api/stats", { ...rest, ...asFilter(of), granularity }, signal);
  const whole = await ask(earlier);
  const isWhole = far >= earlier.to;
  // To the minute, so that the same question is not another one each second.
  const sameFar = isWhole ? whole : await ask({ from: earlier.from, to: Math.max(earlier.from + 60_000, far - (far % 60_000)) });
  return { stats: whole, span: earlier, sameFar, isWhole };
}

function asked(page: Page, data: Cost, title: string, value: string, says = ""): Where {
  const words = inWords(page.state, data.span, page.zone);
  return {
    title: `${title}, ${words}`, value, route: path("/api/stats", data.query),
    says: says || `All calls of ${words} that the filters let through, each counted once and priced at the list of its day. Whole quarter hours come from roll-ups, the edges from calls.`,
    explain: [{ label: words }],
  };
}

function summary(page: Page, data: Cost): HTMLElement {
  const { summary: sums } = data.stats;
  const note = (now: number, of: (stats: Stats) => number) => {
    if (!data.earlier) return null;
    const was = of(data.earlier.sameFar);
    const changed = change(now, was);
    const since = data.earlier.isWhole ? beforeWords(page.state) : `${beforeWords(page.state)} by now`;
    return changed ? [h("b", null, changed), ` on ${since}`] : `nothing in ${beforeWords(page.state)}`;
  };
  const priced = pricedOf(sums);
  return card(inWords(page.state, data.span, page.zone).replace(/^./, (first) => first.toUpperCase()), h("span", { class: "muted" }, spanWords(data.span, page.zone), ", API value"),
    figures(page, "Summary", [
      amount("Cost", sums.total_cost_usd, priced, (value) => asked(page, data, "Cost", value), { isMain: true, note: [note(sums.total_cost_usd, (stats) => stats.summary.total_cost_usd), sums.unpriced_calls ? `${data.earlier ? "; " : ""}${plural(sums.unpriced_calls, "call")} without a price` : null] }),
      { label: "Calls", text: count(sums.total_calls), exact: sums.total_calls, where: asked(page, data, "Calls", count(sums.total_calls)), note: note(sums.total_calls, (stats) => stats.summary.total_calls) },
      { label: "Tokens", text: tokens(sums.total_tokens), exact: sums.total_tokens, where: asked(page, data, "Tokens", count(sums.total_tokens)), note: note(sums.total_tokens, (stats) => stats.summary.total_tokens) },
      perCall(page, data),
      amount("Saved by the cache", sums.cache_savings_usd, priced, (value) => asked(page, data, "Saved by the cache", value, "What the tokens that were read from the cache would have cost as plain input, less what they cost, and less what writing them cost more.")),
    ]));
}

/** What a call cost, of those with a price: where there are none, nothing is said to be free. */
function perCall(page: Page, data: Cost): Figure {
  const { avg_cost_per_call: usd, total_calls, unpriced_calls } = data.stats.summary;
  const priced = total_calls - unpriced_calls;
  const where = (value: string) => asked(page, data, "Cost of a call", value, "The cost, by the number of calls that have a price.");
  if (usd === null || priced <= 0) return { label: "A call", text: "–", exact: "", where: where(total_calls > 0 ? "unknown: no call has a price" : "there are no calls") };
  return {
    label: "A call", text: perCallText(usd), exact: usd, where: where(moneyExact(usd)),
    note: unpriced_calls > 0 ? `of the ${plural(priced, "call")} with a price` : null,
  };
}

const NAMES = { tier: "Tier", model: "Model", project: "Project" } as const;

function series(page: Page, data: Cost): HTMLElement {
  const { granularity, data: points } = data.stats.time_series;
  const at = points.map((point) => instant(point.timestamp) ?? 0);
  const line = data.earlier && { label: beforeWords(page.state).replace(/^./, (first) => first.toUpperCase()), colour: "--ink", values: points.map((_, index) => data.earlier?.stats.time_series.data[index]?.cost ?? null) };
  const controls = [
    choice("Stacked by", SPLITS.map((key) => ({ key, label: NAMES[key] })), page.state.split, (split) => page.set({ split })),
    choice("Compare", [{ key: "on", label: "Compare", title: "With the time before" }], page.state.compare ? "on" : null, () => page.set({ compare: !page.state.compare })),
  ];
  return card(`Cost by ${granularity}`, controls, chart(page, {
    title: `Cost by ${granularity}`, kind: "bars", text: money, exact: moneyExact, axis: moneyAxis,
    ticks: at.map((ms) => tick(ms, granularity, page.zone)),
    names: at.map((ms) => bucketName(ms, granularity, page.zone)),
    series: statsSeries(data.stats, page.state.split, page.state.split === "project" ? (path) => page.called(path) : named),
    ...bucketsOf(data.stats),
    ...(line ? { line } : {}),
    where: (index) => {
      const point = points[index];
      const ms = at[index] ?? 0;
      const name = bucketName(ms, granularity, page.zone);
      const bucket = { from: Math.max(ms, data.span.from), to: at[index + 1] ?? data.span.to };
      return { title: `Cost, ${name}`, value: point ? moneyExact(point.cost, marked(point)) : "", says: `${plural(point?.calls ?? 0, "call")} in this ${granularity}.`, route: path("/api/stats", data.query), explain: [{ label: name, within: asFilter(bucket) }] };
    },
  }));
}

type Named = readonly [string, Group];

function columns(page: Page, data: Cost, label: string): Column<Named>[] {
  // The API names a project by its path where another has its name.
  const called = ([key]: Named): string => (label === "Project" ? page.called(key) : named(key));
  const where = (row: Named): Where => ({ ...asked(page, data, `${label} ${called(row)}`, moneyExact(row[1].total_cost, marked(pricedOf(row[1])))), explain: [{ label: called(row), within: { [label.toLowerCase()]: row[0] || UNKNOWN } }] });
  return [
    { label, kind: "text", value: called },
    { label: "Cost", kind: "money", value: (row) => row[1].total_cost, priced: (row) => pricedOf(row[1]), where, bar: true },
    { label: "Calls", kind: "count", value: (row) => row[1].call_count },
    { label: "Tokens", kind: "tokens", value: (row) => row[1].total_tokens ?? null, wide: true },
  ];
}

function models(page: Page, data: Cost): HTMLElement {
  return card("Models", null, table(page, { title: "Models", rows: Object.entries(data.stats.by_model), columns: columns(page, data, "Model"), sort: 1, most: 12, open: (row) => page.set({ model: row[0] || UNKNOWN }) }));
}

function projects(page: Page, data: Cost): HTMLElement {
  return card("Projects", null, table(page, { title: "Projects", rows: Object.entries(data.stats.by_project), columns: columns(page, data, "Project"), sort: 1, most: 12, open: (row) => page.set({ project: row[0] || UNKNOWN }) }));
}
