// Tables: headers that sort, numbers that say where they come from, rows that are found, few at first.
// Must not: fetch more rows, or know what they are of.

import type { CsvCell } from "../csv.ts";
import { type Mark, money, moneyExact, share } from "../format.ts";
import type { Page, Where } from "../page.ts";
import { shown } from "../names.ts";
import { type Child, button, h, icon, ICONS, pathText } from "./dom.ts";
import { type Priced, SHOW, age, marked, number } from "./figure.ts";

export interface Column<R> {
  label: string;
  kind: "text" | "money" | "tokens" | "count" | "share" | "age";
  value(row: R): CsvCell;
  /** What stands in the cell, where it is not the value as its kind has it. */
  cell?(row: R): Child;
  where?(row: R): Where;
  /** A bar as long as the value. */
  bar?: boolean;
  /** Of an amount: how many of its calls have no price. */
  priced?(row: R): Priced;
  /** Left out where there is no room. */
  wide?: boolean;
}

export interface TableSpec<R> {
  /** Its name, also of its file. */
  title: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  /** Column to begin with, dearest first; none: as the rows come. */
  sort?: number;
  /** Where a row leads. */
  open?(row: R): void;
  empty?: string;
  most?: number;
}

interface Order { column: number; isUp: boolean }

const orders = new Map<string, Order>();
const grown = new Set<string>();

/** Puts a table into what can be saved; gives its rows in order, cut to what is looked for. */
export function filed<R>(page: Page, spec: TableSpec<R>): readonly R[] {
  const found = sorted(spec, matching(spec, page.state.find));
  const columns = inFiles(spec.columns, found);
  page.sheet.push({
    kind: "table",
    title: spec.title,
    header: columns.map((column) => column.label),
    rows: found.map((row) => columns.map((column) => (markOf(column, row) === "?" ? null : column.value(row)))),
    texts: found.map((row) => columns.map((column) => plain(column, row))),
    isNumber: columns.map((column) => column.kind !== "text" && column.kind !== "age"),
  });
  return found;
}

/** A table with its rows in order, cut to what is looked for. */
export function table<R>(page: Page, spec: TableSpec<R>): HTMLElement {
  const found = filed(page, spec);
  if (found.length === 0) {
    return h("p", { class: "nothing" }, page.state.find ? `No row holds “${page.state.find}”.` : (spec.empty ?? "Nothing in this time."));
  }
  const most = grown.has(spec.title) ? Infinity : (spec.most ?? 50);
  const largest = spec.columns.map((column) => Math.max(0, ...(column.bar ? found.map((row) => Number(column.value(row) ?? 0)) : [])));
  return h("div", { class: "table" },
    h("table", { attrs: { "aria-label": spec.title } },
      h("thead", null, h("tr", null, spec.columns.map((column, at) => header(page, spec, column, at)))),
      h("tbody", null, found.slice(0, most).map((row) => line(page, spec, row, largest))),
    ),
    found.length > most
      ? button(`Show all ${found.length}`, () => { grown.add(spec.title); page.again(); }, { class: "more" })
      : null,
  );
}

const markOf = <R>(column: Column<R>, row: R): Mark => (column.priced ? marked(column.priced(row)) : "");

/** A file holds numbers only, so that what has no price is counted in a column of its own. */
function inFiles<R>(columns: readonly Column<R>[], rows: readonly R[]): readonly Column<R>[] {
  const priced = columns.find((column) => column.priced)?.priced;
  if (!priced || !rows.some((row) => priced(row).unpriced_calls > 0)) return columns;
  return [...columns, { label: "Calls without a price", kind: "count", value: (row) => priced(row).unpriced_calls }];
}

function matching<R>({ columns, rows }: TableSpec<R>, find: string): readonly R[] {
  const wanted = find.trim().toLowerCase();
  if (!wanted) return rows;
  const texts = columns.filter((column) => column.kind === "text");
  return rows.filter((row) => texts.some((column) => String(column.value(row) ?? "").toLowerCase().includes(wanted)));
}

function order<R>(spec: TableSpec<R>): Order | null {
  return orders.get(spec.title) ?? (spec.sort === undefined ? null : { column: spec.sort, isUp: false });
}

function sorted<R>(spec: TableSpec<R>, rows: readonly R[]): readonly R[] {
  const by = order(spec);
  const column = by ? spec.columns[by.column] : undefined;
  if (!by || !column) return rows;
  const way = by.isUp ? 1 : -1;
  return rows.toSorted((a, b) => way * compare(column.value(a), column.value(b)));
}

function compare(a: CsvCell, b: CsvCell): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}

function header<R>(page: Page, spec: TableSpec<R>, column: Column<R>, at: number): HTMLElement {
  const by = order(spec);
  const isBy = by?.column === at;
  const press = (): void => {
    const isUp = isBy ? !by.isUp : column.kind === "text";
    orders.set(spec.title, { column: at, isUp });
    page.again();
  };
  return h("th", { class: classes(column), attrs: { scope: "col", "aria-sort": isBy ? (by.isUp ? "ascending" : "descending") : undefined } },
    button([column.label, isBy ? icon(ICONS.down, by.isUp ? "up" : "") : null], press, { attrs: { "data-keep": `${spec.title}:${column.label}` } }),
  );
}

const classes = <R>(column: Column<R>): string =>
  [column.kind === "text" || column.kind === "age" ? column.kind : "number", column.wide ? "wide" : ""].join(" ").trim();

function line<R>(page: Page, spec: TableSpec<R>, row: R, largest: readonly number[]): HTMLElement {
  return h("tr", null, spec.columns.map((column, at) => {
    const inside = content(page, column, row, spec.columns.find((one) => one.where)?.where);
    const isDoor = at === 0 && spec.open;
    const shownCell = isDoor ? button(inside, () => spec.open?.(row), { class: "door", title: String(column.value(row) ?? "") }) : inside;
    const cell = h(at === 0 ? "th" : "td", { class: classes(column), attrs: at === 0 ? { scope: "row" } : {} }, shownCell);
    if (column.bar && (largest[at] ?? 0) > 0) cell.append(bar(Number(column.value(row) ?? 0) / (largest[at] ?? 1)));
    return cell;
  }));
}

/** A thin bar under a number. */
export function bar(part: number): HTMLElement {
  const inner = h("i", null);
  inner.style.width = `${Math.max(0, Math.min(1, part)) * 100}%`;
  return h("span", { class: "bar", attrs: { "aria-hidden": "true" } }, inner);
}

function content<R>(page: Page, column: Column<R>, row: R, shared: ((row: R) => Where) | undefined): Child {
  if (column.cell) return column.cell(row);
  const value = column.value(row);
  if (value === null && column.kind !== "money") return h("span", { class: "muted" }, "–");
  if (column.kind === "age") return age(page, value);
  if (column.kind === "text") return String(value) === "" ? h("span", { class: "muted" }, "unknown") : h("span", { class: "name", title: String(value) }, pathText(String(value)));
  const text = plain(column, row);
  const where = column.where ?? shared;
  if (!where) return h("span", { title: exact(column, row) }, text);
  const told = where(row);
  return number(page, text, column.where ? told : { ...told, title: told.title.replace(FIRST, column.label), value: exact(column, row) });
}

/** What the number of a row's main column is called; other numbers of the row come from the same calls. */
const FIRST = /^(Cost|Saved by the cache|Uses|Failures|Transcripts)(?=[ ,])/;

function exact<R>(column: Column<R>, row: R): string {
  const value = Number(column.value(row));
  if (column.kind === "share") return `${value * 100}%`;
  if (column.kind === "money") return moneyExact(value, markOf(column, row));
  return column.kind === "text" || column.kind === "age" ? "" : SHOW[column.kind].exact(value);
}

function plain<R>(column: Column<R>, row: R): string {
  const value = column.value(row);
  // An amount that is none has no price.
  if (column.kind === "money") return value === null ? "?" : money(Number(value), markOf(column, row));
  if (value === null) return "–";
  if (column.kind === "share") return share(Number(value), 1);
  if (column.kind === "text" || column.kind === "age") return shown(String(value) || "unknown");
  return SHOW[column.kind].text(Number(value));
}
