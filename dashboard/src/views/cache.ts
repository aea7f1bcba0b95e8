// Cache: how much of the prompts came from it, what that saved, where it missed.
// Must not: price anything.

import { get, path } from "../api.ts";
import { startOfDate } from "../civil.ts";
import { count, dayName, moneyExact, share, shortDay, tokens } from "../format.ts";
import { UNKNOWN, named } from "../names.ts";
import type { Page, View, Where } from "../page.ts";
import { chart } from "../parts/chart.ts";
import { h } from "../parts/dom.ts";
import { amount, card, figures, marked } from "../parts/figure.ts";
import { type Column, table } from "../parts/table.ts";
import { inWords, spanOf, withDaysBetween } from "../period.ts";
import { type Query, type State, filters } from "../state.ts";
import type { Breakdown, Slice, Stats } from "../types.ts";
import { hitRatio, hitsOf, pricedIn, pricedOf } from "./common.ts";

interface Cache { stats: Stats; models: Breakdown; projects: Breakdown; days: Breakdown; query: Query }

export const cache: View<Cache> = {
  key: "cache",
  async load(state: State, signal: AbortSignal): Promise<Cache> {
    const query = filters(state);
    const by = (what: string): Promise<Breakdown> => get<Breakdown>("/api/stats/breakdown", { ...query, by: what }, signal);
    const [stats, models, projects, days] = await Promise.all([
      get<Stats>("/api/stats", query, signal), by("model"), by("project"), by(isShort(state) ? "hour_of_day" : "day"),
    ]);
    return { stats, models, projects, days, query };
  },
  isEmpty: ({ stats }) => stats.summary.total_calls === 0 && stats.sessions.total_count === 0,
  zone: ({ stats }) => stats.period.timezone,
  draw(data: Cache, page: Page): Node[] {
    return [summary(page, data), over(page, data), slices(page, "Model", data.models, data), slices(page, "Project", data.projects, data)];
  },
};

/** Within a day hours tell more than days do. */
const isShort = (state: State): boolean =>
  state.from ? Date.parse(state.to) - Date.parse(state.from) <= 25 * 3_600_000 : state.period === "hour" || state.period === "day";

const written = (row: Partial<Slice>): number => (row.cache_write_5m ?? 0) + (row.cache_write_1h ?? 0);

function summary(page: Page, { stats, query }: Cache): HTMLElement {
  const { summary: sums } = stats;
  const of = sums.tokens_by_type;
  const hits = hitRatio(of);
  const words = inWords(page.state, spanOf(stats), page.zone);
  const where = (title: string, value: string, says: string): Where => ({ title: `${title}, ${words}`, value, says, route: path("/api/stats", query), explain: [{ label: words }] });
  const token = (label: string, n: number, says: string, note?: string) => ({ label, text: tokens(n), exact: n, where: where(label, `${count(n)} tokens`, says), ...(note ? { note } : {}) });
  const writes = of["cache_write"] ?? (of["cache_write_5m"] ?? 0) + (of["cache_write_1h"] ?? 0);
  return card("Prompt cache", h("span", { class: "muted" }, words), figures(page, "Cache", [
    { label: "Hit ratio", text: share(hits, 1), exact: hits ?? "", isMain: true, where: where("Hit ratio", share(hits, 4), "Tokens read from the cache, of all prompt tokens: read from it, written to it, and plain input."), note: "of prompt tokens were read from the cache" },
    amount("Saved", sums.cache_savings_usd, pricedOf(sums), (value) => where("Saved by the cache", value, "What the same prompts would have cost as plain input, less what they did cost.")),
    token("Read", of["cache_read"] ?? 0, "Prompt tokens that were in the cache already, at about a tenth of the price of input."),
    token("Written", writes, "Prompt tokens that were put into the cache, for five minutes or an hour.", `${tokens(of["cache_write_1h"] ?? 0)} for an hour`),
    token("Missed", of["input"] ?? 0, "Prompt tokens that neither came from the cache nor went into it."),
  ]));
}

function over(page: Page, { days, query }: Cache): HTMLElement {
  const isHours = days.by === "hour_of_day";
  const sorted = [...days.rows].sort((a, b) => (isHours ? Number(a.key) - Number(b.key) : a.key.localeCompare(b.key)));
  const known = new Map(sorted.map((row) => [row.key, row]));
  const rows: Slice[] = isHours ? sorted : withDaysBetween([...known.keys()], page.zone).map((key) => known.get(key) ?? { key, label: key });
  // A date is called the same in each zone, and UTC's costs least.
  const at = (row: Slice): number => startOfDate(row.key, "UTC") ?? 0;
  const title = isHours ? "Hit ratio by hour of day" : "Hit ratio by day";
  return card(title, null, rows.length === 0 ? h("p", { class: "nothing" }, "No call in this time.") : chart(page, {
    title, kind: "lines", height: 200, top: 100, text: (value) => `${value.toFixed(1)}%`, axis: (values) => values.map((value) => `${value}%`),
    ticks: rows.map((row) => (isHours ? `${row.key.padStart(2, "0")}:00` : shortDay(at(row), "UTC"))),
    names: rows.map((row) => (isHours ? `${row.key.padStart(2, "0")}:00–${row.key.padStart(2, "0")}:59` : dayName(at(row), "UTC"))),
    series: [{ label: "Hit ratio", colour: "--c0", values: rows.map((row) => { const hits = hitsOf(row); return hits === null ? null : hits * 100; }) }],
    where: (index) => {
      const row = rows[index];
      const hits = row ? hitsOf(row) : null;
      return { title: `Hit ratio, ${row?.key ?? ""}`, value: share(hits, 4), says: "Tokens read from the cache, of all prompt tokens.", route: path("/api/stats/breakdown", { ...query, by: days.by }), ...(row && !isHours ? { explain: [{ label: row.key, what: row.key }] } : {}) };
    },
  }));
}

function slices(page: Page, label: string, told: Breakdown, { query }: Cache): HTMLElement {
  const where = (row: Slice): Where => ({
    title: `Saved by the cache, ${named(called(row))}`, value: moneyExact(row.cache_savings ?? 0, marked(pricedIn(row))), says: `The calls of this ${label.toLowerCase()} that the filters let through.`,
    route: path("/api/stats/breakdown", { ...query, by: told.by }), explain: [{ label: called(row), within: { [label.toLowerCase()]: row.key || UNKNOWN } }],
  });
  const called = (row: Slice): string => (label === "Project" ? page.called(row.key) : row.label);
  const columns: Column<Slice>[] = [
    { label, kind: "text", value: called },
    { label: "Hit ratio", kind: "share", value: (row) => hitsOf(row), bar: true },
    { label: "Saved", kind: "money", value: (row) => row.cache_savings ?? 0, priced: pricedIn, where },
    { label: "Read", kind: "tokens", value: (row) => row.cache_read ?? 0, wide: true },
    { label: "Written", kind: "tokens", value: written, wide: true },
    { label: "Missed", kind: "tokens", value: (row) => row.input ?? 0, wide: true },
  ];
  return card(`By ${label.toLowerCase()}`, null, table(page, { title: `Cache by ${label.toLowerCase()}`, rows: told.rows, columns, sort: 2, most: 12 }));
}
