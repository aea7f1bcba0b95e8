// What `/api/explain` tells, as lists and tables: whatever keys it has, each is shown by what its name says it is.
// Must not: leave out a key it does not know.

import { type Mark, bytes, count, instant, markOf, money, moneyExact, timeExact, tokens } from "../format.ts";
import { shown } from "../names.ts";
import { type Child, button, h } from "./dom.ts";
import { said } from "./figure.ts";

type Row = Record<string, unknown>;
const MOST = 60;

/** `cacheCreation5mTokens` is “Cache write 5m tokens”. */
function label(key: string): string {
  const words = key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([a-z])(\d)/g, "$1 $2").replaceAll("_", " ").toLowerCase();
  return words.replace("cache creation", "cache write").replace(/\bid\b/, "id").replace(/^./, (first) => first.toUpperCase());
}

const MONEY = /cost|savings|^total$|rate$/i;

/** What of a row's amounts is not known. */
function markIn(row: Row): Mark {
  const [calls, unpriced] = [row["calls"], row["unpricedCalls"]];
  return typeof unpriced === "number" ? markOf(typeof calls === "number" ? calls : Infinity, unpriced) : "";
}

function value(key: string, told: unknown, zone: string, mark: Mark = ""): Child {
  if (told === null && /^(cost|totalCost)$/.test(key)) return h("span", { title: "no price" }, said("?"));
  if (told === null || told === undefined || told === "") return h("span", { class: "muted" }, "–");
  if (typeof told === "boolean") return told ? "yes" : "no";
  if (typeof told === "number") {
    if (MONEY.test(key)) return h("span", { title: moneyExact(told, mark) }, said(money(told, mark)));
    if (/tokens/i.test(key)) return h("span", { title: count(told) }, tokens(told));
    if (/bytes/i.test(key)) return h("span", { title: count(told) }, bytes(told));
    return /^(id|offset)$/.test(key) ? String(told) : count(told);
  }
  if (typeof told === "string") {
    const at = /^\d{4}-\d\d-\d\dT/.test(told) ? instant(told) : null;
    return at === null ? told : h("time", { title: told }, timeExact(at, zone));
  }
  return JSON.stringify(told);
}

/** What of a row can be explained further. */
function subject(row: Row): string | null {
  if (typeof row["sessionId"] === "string" && !("id" in row)) return row["sessionId"] === "unknown" ? null : row["sessionId"];
  if (typeof row["id"] === "number") return `#${row["id"]}`;
  if (typeof row["path"] === "string" && "totalCost" in row) return row["path"];
  return typeof row["projectPath"] === "string" && "totalCost" in row ? row["projectPath"] : null;
}

const isRow = (told: unknown): told is Row => typeof told === "object" && told !== null && !Array.isArray(told);

/** The whole answer; `ask` explains something that it names. */
export function explained(answer: unknown, zone: string, ask: (what: string) => void): HTMLElement {
  if (!isRow(answer)) return h("p", null, "There is nothing to tell.");
  const [[kind, body] = ["", answer]] = Object.entries(answer);
  return h("div", { class: "explained" }, isRow(body) ? story(label(kind), body, zone, ask) : story("", answer, zone, ask));
}

function story(title: string, body: Row, zone: string, ask: (what: string) => void): Child[] {
  const plain = Object.entries(body).filter(([, told]) => !isRow(told) && !Array.isArray(told));
  const inner = Object.entries(body).filter(([, told]) => isRow(told) || (Array.isArray(told) && told.length > 0));
  return [
    title ? h("h3", null, title) : null,
    h("dl", { class: "facts" }, plain.map(([key, told]) => h("div", null, h("dt", null, label(key)), h("dd", null, value(key, told, zone, markIn(body)))))),
    inner.map(([key, told]) => (Array.isArray(told) ? list(label(key), told, zone, ask) : story(label(key), told as Row, zone, ask))),
  ];
}

function list(title: string, rows: readonly unknown[], zone: string, ask: (what: string) => void): Child {
  if (!rows.every(isRow)) return [h("h3", null, title), h("p", null, rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join(", "))];
  const few = rows.slice(0, MOST);
  const keys = [...new Set(few.flatMap((row) => Object.keys(row)))].filter((key) => few.some((row) => !empty(row[key]))).sort((a, b) => weight(few, a) - weight(few, b));
  const more = rows.length > few.length ? h("p", { class: "muted" }, `and ${rows.length - few.length} more`) : null;
  return [
    h("h3", null, title, " ", h("span", { class: "muted" }, String(rows.length))),
    h("div", { class: "table scroll", attrs: { tabindex: 0, role: "region", "aria-label": title } },
      h("table", null,
        h("thead", null, h("tr", null, keys.map((key) => h("th", { class: weight(few, key) > 0 ? "number" : "", attrs: { scope: "col" } }, label(key))))),
        h("tbody", null, few.map((row) => h("tr", null, keys.map((key, at) => h("td", { class: weight(few, key) > 0 ? "number" : "" }, at === 0 ? door(key, row, zone, ask) : nested(key, row[key], zone, markIn(row))))))),
      )),
    more,
  ];
}

/** Names first, then what most look for; the rest as it came. */
function weight(rows: readonly Row[], key: string): number {
  if (/cost/i.test(key)) return 1;
  if (/^calls$|^totalTokens$/.test(key)) return 2;
  return rows.some((row) => typeof row[key] === "number") && key !== "id" ? 3 : 0;
}

const empty = (told: unknown): boolean => told === null || told === undefined || told === "" || told === 0 || told === false || (Array.isArray(told) && told.length === 0);

function nested(key: string, told: unknown, zone: string, mark: Mark = ""): Child {
  if (Array.isArray(told)) return told.map((one) => (isRow(one) ? shown(String(one["name"] ?? JSON.stringify(one))) : String(one))).join(", ");
  return value(key, told, zone, mark);
}

function door(key: string, row: Row, zone: string, ask: (what: string) => void): Child {
  const what = subject(row);
  return what === null ? nested(key, row[key], zone) : button(nested(key, row[key], zone), () => ask(what), { class: "link", title: `Explain ${what}` });
}
