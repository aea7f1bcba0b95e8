// Heatmap: weekday by hour, and a calendar year.
// Must not: count; the API gives each cell.

import { get, path } from "../api.ts";
import { dateOf, instantOf } from "../civil.ts";
import { type Mark, count, money, moneyExact, tokens } from "../format.ts";
import type { Page, View, Where } from "../page.ts";
import { ICONS, button, h, icon } from "../parts/dom.ts";
import { card, choice, marked } from "../parts/figure.ts";
import { asFilter } from "../period.ts";
import { METRICS, type Metric, type Query, type State, filters } from "../state.ts";
import type { Breakdown, Slice } from "../types.ts";
import { pricedIn } from "./common.ts";

interface Heat { week: Breakdown; year: Breakdown; weekQuery: Query; yearQuery: Query; of: number }

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const LEVELS = 5;

export const heatmap: View<Heat> = {
  key: "heatmap",
  async load(state: State, signal: AbortSignal, asked: Promise<string>): Promise<Heat> {
    const zone = await asked;
    const of = state.year || Number(dateOf(Date.now(), zone).slice(0, 4));
    const weekQuery = { ...filters(state), by: "weekday_hour" };
    const span = asFilter({ from: instantOf([of, 1, 1, 0, 0, 0], zone), to: instantOf([of + 1, 1, 1, 0, 0, 0], zone) });
    const { period: _period, ...rest } = filters(state) as Query & { period?: string };
    const yearQuery = { ...rest, ...span, by: "day" };
    const [week, year] = await Promise.all([
      get<Breakdown>("/api/stats/breakdown", weekQuery, signal),
      get<Breakdown>("/api/stats/breakdown", yearQuery, signal),
    ]);
    return { week, year, weekQuery, yearQuery, of };
  },
  isEmpty: ({ week, year }) => week.rows.length === 0 && year.rows.length === 0,
  zone: () => null,
  draw(data: Heat, page: Page): Node[] {
    const metric = choice("Shown", METRICS.map((key) => ({ key, label: key[0]?.toUpperCase() + key.slice(1) })), page.state.metric, (chosen) => page.set({ metric: chosen }));
    return [card("Weekday and hour", metric, weekHour(page, data)), calendar(page, data)];
  },
};

const TEXT: Record<Metric, { text(n: number, mark: Mark): string; exact(n: number, mark: Mark): string }> = {
  cost: { text: money, exact: moneyExact },
  calls: { text: count, exact: (n) => `${count(n)} calls` },
  tokens: { text: tokens, exact: (n) => `${count(n)} tokens` },
};

/** From 0 (nothing) to 5: fifths of what there is, so that one dear cell does not pale all others. */
function levels(values: readonly number[]): (value: number) => number {
  const some = values.filter((value) => value > 0).sort((a, b) => a - b);
  const bounds = Array.from({ length: LEVELS - 1 }, (_, at) => some[Math.floor(((at + 1) * some.length) / LEVELS)] ?? Infinity);
  return (value) => (value > 0 ? 1 + bounds.filter((bound) => value >= bound).length : 0);
}

const markIn = (row: Slice | undefined): Mark => (row ? marked(pricedIn(row)) : "");

const metricOf = (row: Slice | undefined, metric: Metric): number => row?.[metric] ?? 0;

function weekHour(page: Page, { week, weekQuery }: Heat): HTMLElement {
  const { metric } = page.state;
  const cells = new Map(week.rows.map((row) => [row.key, row]));
  const level = levels(week.rows.map((row) => metricOf(row, metric)));
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  const cell = (day: number, hour: number): Slice | undefined => cells.get(`${day + 1}-${hour}`);
  const value = (day: number, hour: number): number => metricOf(cell(day, hour), metric);
  page.sheet.push({
    kind: "table", title: "Weekday and hour", isNumber: [false, ...hours.map(() => true)],
    header: ["weekday", ...hours.map(String)],
    rows: DAYS.map((name, day) => [name, ...hours.map((hour) => (unknown(cell(day, hour), metric) ? null : value(day, hour)))]),
    texts: DAYS.map((name, day) => [name, ...hours.map((hour) => (cell(day, hour) ? TEXT[metric].text(value(day, hour), markIn(cell(day, hour))).replace("<$0.01", "<1¢") : "·"))]),
  });
  const where = (day: number, hour: number): Where => ({
    title: `${metric[0]?.toUpperCase()}${metric.slice(1)}, ${DAYS[day]} ${String(hour).padStart(2, "0")}:00–${String(hour).padStart(2, "0")}:59`,
    value: TEXT[metric].exact(value(day, hour), markIn(cell(day, hour))), route: path("/api/stats/breakdown", weekQuery),
    says: "All calls of the chosen time in this hour of this weekday, in the zone of this page.",
  });
  return h("div", null, h("table", { class: "heat week", attrs: { "aria-label": `${metric} by weekday and hour` } },
    h("thead", null, h("tr", null, h("td", null), hours.map((hour) => h("th", { class: hour % 3 ? "minor" : "", attrs: { scope: "col" } }, String(hour))))),
    h("tbody", null, DAYS.map((name, day) => h("tr", null, h("th", { attrs: { scope: "row" } }, name), hours.map((hour) => h("td", null, square(page, level(value(day, hour)), where(day, hour), unknown(cell(day, hour), metric)))))))), scale());
}

/** What stands in a cell of calls of which nothing has a price: it is not free. */
const unknown = (row: Slice | undefined, metric: Metric): string => (metric === "cost" && markIn(row) === "?" ? "?" : "");

function square(page: Page, level: number, where: Where, text = ""): HTMLElement {
  return button(text, () => page.where(where), { class: `cell l${level}`, title: `${where.title}: ${where.value}`, attrs: { "aria-label": `${where.title}: ${where.value}`, tabindex: level > 0 || text !== "" ? 0 : -1 } });
}

const scale = (): HTMLElement =>
  h("p", { class: "scale muted", attrs: { "aria-hidden": "true" } }, "less", Array.from({ length: LEVELS + 1 }, (_, level) => h("i", { class: `cell l${level}` })), "more");

function calendar(page: Page, data: Heat): HTMLElement {
  const { metric } = page.state;
  const days = new Map(data.year.rows.map((row) => [row.key, row]));
  const level = levels(data.year.rows.map((row) => metricOf(row, metric)));
  const rows = [...data.year.rows].sort((a, b) => a.key.localeCompare(b.key));
  page.sheet.push({
    kind: "table", title: `Days of ${data.of}`, header: ["day", "cost", "calls", "tokens", "calls without a price"], isNumber: [false, true, true, true, true],
    rows: rows.map((row) => [row.key, markIn(row) === "?" ? null : (row.cost ?? 0), row.calls ?? 0, row.tokens ?? 0, row.unpriced_calls ?? 0]),
    texts: rows.map((row) => [row.key, money(row.cost ?? 0, markIn(row)), count(row.calls ?? 0), tokens(row.tokens ?? 0), count(row.unpriced_calls ?? 0)]),
  });
  const step = (by: number, path: string, label: string): HTMLElement => button(icon(path), () => page.set({ year: data.of + by }), { class: "quiet square", attrs: { "aria-label": label, "data-keep": label } });
  const route = path("/api/stats/breakdown", data.yearQuery);
  const where = (date: string): Where => ({
    title: `${metric[0]?.toUpperCase()}${metric.slice(1)}, ${date}`, value: TEXT[metric].exact(metricOf(days.get(date), metric), markIn(days.get(date))),
    says: "All calls of this day, in the zone of this page, that the filters let through.", route, explain: [{ label: date, what: date }],
  });
  return card(String(data.of), [step(-1, ICONS.left, "Year before"), step(1, ICONS.right, "Year after")],
    h("div", { class: "months" }, MONTHS.map((name, month) => monthTable(data.of, month, name, (date) => square(page, level(metricOf(days.get(date), metric)), where(date), unknown(days.get(date), metric))))), scale());
}

function monthTable(year: number, month: number, name: string, cell: (date: string) => HTMLElement): HTMLElement {
  const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const first = (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7;
  const weeks = Array.from({ length: Math.ceil((first + length) / 7) }, (_, week) => week);
  const date = (day: number): string => `${year}-${String(month + 1).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
  return h("table", { class: "heat month", attrs: { "aria-label": `${name} ${year}` } },
    h("caption", null, name),
    h("thead", { class: "unseen" }, h("tr", null, DAYS.map((day) => h("th", { attrs: { scope: "col" } }, day)))),
    h("tbody", null, weeks.map((week) => h("tr", null, DAYS.map((_, weekday) => {
      const day = week * 7 + weekday - first + 1;
      return h("td", null, day < 1 || day > length ? null : cell(date(day)));
    })))));
}
