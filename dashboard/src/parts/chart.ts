// Bars and lines over time, by uPlot: stacked series, a tooltip, a legend, and the same numbers as a table.
// Must not: sum over time or fetch; buckets are evenly spaced, whatever a zone's clocks do.

import uPlot from "uplot";

import { plural } from "../format.ts";
import { shown } from "../names.ts";
import { colour } from "../theme.ts";
import type { Page, Where } from "../page.ts";
import { button, fill, h } from "./dom.ts";
import { number } from "./figure.ts";
import { type TableSpec, filed, table } from "./table.ts";

export interface Series {
  label: string;
  /** A custom property that holds its colour, such as `--c1`. */
  colour: string;
  values: readonly (number | null)[];
}

export interface ChartSpec {
  title: string;
  /** What the buckets are called, on the axis and in full. */
  ticks: readonly string[];
  names: readonly string[];
  series: readonly Series[];
  /** Drawn over the bars as a line: the time before. */
  line?: Series;
  kind: "bars" | "lines";
  /** Words for a value. */
  text(value: number): string;
  /** The same with all its places. */
  exact?(value: number): string;
  /** What stands beside the lines of an axis, all of it at once: numbers beside each other have as many places. */
  axis(values: readonly number[]): string[];
  where?(at: number): Where;
  /** What each bucket comes to, where series are parts of it. */
  totals?: readonly number[];
  /** How many calls of each bucket have no price, so that they are in no bar. */
  unpriced?: readonly number[];
  height?: number;
  /** The most that can be, where there is one. */
  top?: number;
}

const tables = new Set<string>();
let charts: { plot: uPlot; host: HTMLElement; watch: ResizeObserver }[] = [];

/** Gives back what charts that are gone from the page held. */
export function sweep(): void {
  charts = charts.filter(({ plot, host, watch }) => {
    if (host.isConnected) return true;
    watch.disconnect();
    plot.destroy();
    return false;
  });
}

export function chart(page: Page, spec: ChartSpec): HTMLElement {
  const all = spec.line ? [...spec.series, spec.line] : spec.series;
  const asTable = tables.has(spec.title);
  const toggle = button(asTable ? "Chart" : "Table", () => {
    if (asTable) tables.delete(spec.title);
    else tables.add(spec.title);
    page.again();
  }, { class: "quiet", title: "The same numbers as a table, or as a chart", attrs: { "aria-pressed": String(asTable), "data-keep": `${spec.title} table` } });
  const legend = h("ul", { class: "legend" }, all.map((series) => h("li", null, swatch(series.colour), h("span", { title: series.label }, series.label))));
  if (asTable) return h("div", { class: "chart" }, h("div", { class: "bar-top" }, legend, toggle), table(page, values(page, spec, all)));
  const host = h("div", { class: "plot", role: "img", attrs: { "aria-label": summary(spec) } });
  host.style.height = `${spec.height ?? 260}px`;
  const picture = { plot: null as uPlot | null };
  page.sheet.push({
    kind: "picture",
    title: spec.title,
    canvas: () => picture.plot?.ctx.canvas ?? null,
    legend: all.map(({ label, colour: name }) => ({ label, colour: colour(name) })),
  });
  // The numbers go into the file too, without standing on the page.
  filed({ ...page, state: { ...page.state, find: "" } }, values(page, spec, all));
  queueMicrotask(() => { picture.plot = mount(page, host, spec); });
  return h("div", { class: "chart" }, h("div", { class: "bar-top" }, legend, toggle), host);
}

function swatch(name: string): HTMLElement {
  const box = h("i", { class: "swatch" });
  box.style.background = `var(${name})`;
  return box;
}

interface Bucket { name: string; at: number }

/** The same numbers as a table. */
function values(page: Page, spec: ChartSpec, all: readonly Series[]): TableSpec<Bucket> {
  return {
    title: spec.title,
    rows: spec.names.map((name, at) => ({ name, at })),
    most: 60,
    columns: [
      { label: "Time", kind: "text", value: (row) => row.name },
      ...all.map((series) => ({
        label: series.label,
        kind: "count" as const,
        value: (row: Bucket) => series.values[row.at] ?? null,
        cell: (row: Bucket) => {
          const value = series.values[row.at];
          if (value === null || value === undefined) return "–";
          const where = series === spec.line ? undefined : spec.where?.(row.at);
          return where ? number(page, spec.text(value), { ...where, title: `${where.title}, ${series.label}`, value: spec.exact?.(value) ?? spec.text(value) }) : spec.text(value);
        },
      })),
      ...(spec.unpriced?.some((calls) => calls > 0)
        ? [{ label: "Calls without a price", kind: "count" as const, value: (row: Bucket) => spec.unpriced?.[row.at] ?? 0 }]
        : []),
    ],
  };
}

function summary(spec: ChartSpec): string {
  const totals = spec.names.map((_, at) => spec.totals?.[at] ?? spec.series[0]?.values[at] ?? 0);
  const most = totals.indexOf(Math.max(...totals));
  return `${spec.title}: ${spec.names.length} points; the highest is ${spec.text(totals[most] ?? 0)}, ${spec.names[most] ?? ""}. The button Table shows all numbers.`;
}

/** Each series on top of those before it, highest first, so that bars paint over the ones behind. */
function stack(series: readonly Series[]): (number | null)[][] {
  const below: number[] = [];
  const stacked = series.map(({ values: of }) => of.map((value, at) => (below[at] = (below[at] ?? 0) + (value ?? 0))));
  return stacked.reverse();
}

function mount(page: Page, host: HTMLElement, spec: ChartSpec): uPlot | null {
  if (!host.isConnected) return null;
  const isBars = spec.kind === "bars";
  const drawn = isBars ? [...spec.series].reverse() : spec.series;
  const data: (readonly (number | null)[])[] = [spec.names.map((_, at) => at), ...(isBars ? stack(spec.series) : spec.series.map((series) => series.values))];
  const series: uPlot.Series[] = [{}, ...drawn.map(({ label, colour: name }) => look(label, colour(name), isBars))];
  if (spec.line) {
    data.push(spec.line.values);
    series.push({ label: spec.line.label, stroke: colour(spec.line.colour), width: 1.5, dash: [4, 3], points: { show: false } });
  }
  const tip = h("div", { class: "tip", attrs: { hidden: true } });
  const plot = new uPlot(options(host, spec, series, tip), data as uPlot.AlignedData, host);
  plot.over.append(tip);
  const { where } = spec;
  if (where) {
    plot.over.classList.add("door");
    plot.over.addEventListener("click", () => {
      const at = plot.cursor.idx;
      if (typeof at === "number") page.where(where(at));
    });
  }
  const watch = new ResizeObserver(() => { plot.setSize({ width: host.clientWidth, height: host.clientHeight }); });
  watch.observe(host);
  charts.push({ plot, host, watch });
  return plot;
}

function look(label: string, paint: string, isBars: boolean): uPlot.Series {
  const base = { label, points: { show: false } };
  const bars = uPlot.paths.bars?.({ size: [0.72, 48], radius: 0 });
  return isBars && bars ? { ...base, fill: paint, width: 0, paths: bars } : { ...base, stroke: paint, width: 2, spanGaps: true };
}

function options(host: HTMLElement, spec: ChartSpec, series: uPlot.Series[], tip: HTMLElement): uPlot.Options {
  const grid = { stroke: colour("--line"), width: 1 };
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const text = colour("--muted");
  const last = spec.names.length - 1;
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => [-0.5, last + 0.5] },
      y: { range: (_plot, _min, max) => [0, spec.top ?? (max > 0 ? max * 1.06 : 1)] },
    },
    series,
    axes: [
      { stroke: text, font, grid: { show: false }, ticks: { show: false }, size: 26, gap: 6, splits: (plot) => splits(plot, spec), values: (_plot, at) => at.map((index) => shown(spec.ticks[index] ?? "")) },
      { stroke: text, font, grid, ticks: { show: false }, size: 52, gap: 6, values: (_plot, at) => spec.axis(at) },
    ],
    hooks: { setCursor: [(plot) => point(plot, spec, tip)] },
  };
}

/** Which buckets are named: as many as have room. */
function splits(plot: uPlot, spec: ChartSpec): number[] {
  const room = Math.max(1, Math.floor(plot.width / 74));
  const step = Math.max(1, Math.ceil(spec.ticks.length / room));
  const at: number[] = [];
  for (let index = 0; index < spec.ticks.length; index += step) at.push(index);
  return at;
}

function point(plot: uPlot, spec: ChartSpec, tip: HTMLElement): void {
  const at = plot.cursor.idx;
  if (typeof at !== "number" || (plot.cursor.left ?? -1) < 0) {
    tip.hidden = true;
    return;
  }
  const all = spec.line ? [...spec.series, spec.line] : [...spec.series];
  const told = all.filter((series) => (series.values[at] ?? 0) !== 0);
  const unpriced = spec.unpriced?.[at] ?? 0;
  const row = (series: Series): HTMLElement =>
    h("div", null, swatch(series.colour), h("span", null, series.label), h("b", null, spec.text(series.values[at] ?? 0)));
  fill(tip, h("strong", null, spec.names[at] ?? ""), told.map(row),
    spec.totals && spec.series.length > 1 ? h("div", { class: "sum" }, h("span", null, "Sum"), h("b", null, spec.text(spec.totals[at] ?? 0))) : null,
    unpriced > 0 ? h("div", null, h("span", null, `${plural(unpriced, "call")} without a price`), h("b", null, "?")) : null,
    told.length + unpriced === 0 ? h("div", null, "Nothing") : null);
  tip.hidden = false;
  const left = plot.cursor.left ?? 0;
  const room = plot.over.clientWidth - tip.offsetWidth;
  tip.style.left = `${Math.max(0, Math.min(room, left < plot.over.clientWidth / 2 ? left + 14 : left - tip.offsetWidth - 14))}px`;
}
