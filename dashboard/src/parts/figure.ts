// Numbers that say where they come from, times that age, and cards that hold them.
// Must not: compute what they show.

import { type Mark, ago, count, instant, lasting, markOf, moment, money, moneyExact, plural, spoken, timeExact, tokens } from "../format.ts";
import type { Page, Where } from "../page.ts";
import { type Child, type Props, button, h } from "./dom.ts";

/** A number as a button that opens “where from?”. */
export function number(page: Page, text: string, where: Where, extra = ""): HTMLButtonElement {
  const press = (event: MouseEvent): void => {
    event.stopPropagation();
    page.where(where);
  };
  return button(text, press, {
    class: `num ${extra}`.trim(),
    title: where.value,
    attrs: { "aria-label": `${where.title}: ${spoken(text)}. Where from?`, "data-where": true },
  });
}

/** An amount in a line of text: its mark is for the eye, words for the ear. */
export function said(text: string): Child {
  const words = spoken(text);
  return words === text ? text : [h("span", { attrs: { "aria-hidden": "true" } }, text), h("span", { class: "unseen" }, words)];
}

export interface Figure {
  label: string;
  text: string;
  where: Where;
  /** A line below. */
  note?: Child;
  exact: number | string;
  isMain?: boolean;
  /** How many of its calls have no price; a file says that beside the amount. */
  unpriced?: number;
}

/** What an amount is made of: some calls, perhaps not all with a price. */
export interface Priced { calls: number; unpriced_calls: number }

export const marked = (of: Priced): Mark => markOf(of.calls, of.unpriced_calls);

/** An amount of money as a key number, marked where calls have no price. */
export function amount(label: string, usd: number, of: Priced, where: (value: string) => Where, more: Partial<Figure> = {}): Figure {
  const mark = marked(of);
  return { label, text: money(usd, mark), exact: mark === "?" ? "?" : usd, where: where(moneyExact(usd, mark)), unpriced: of.unpriced_calls, ...more };
}

/** Key numbers side by side. */
export function figures(page: Page, title: string, items: readonly Figure[]): HTMLElement {
  page.sheet.push({ kind: "figures", title, items: items.flatMap(({ label, text, exact, unpriced }) => [
    { label, value: text, exact },
    ...(unpriced ? [{ label: `${label}: calls without a price`, value: count(unpriced), exact: unpriced }] : []),
  ]) });
  return h("dl", { class: "figures", attrs: { "aria-label": title } },
    items.map((item) =>
      h("div", { class: item.isMain ? "figure main" : "figure" },
        h("dt", null, item.label),
        h("dd", null, number(page, item.text, item.where), item.note ? h("p", { class: "note" }, item.note) : null),
      ),
    ),
  );
}

/** A part of a view under a heading. */
export function card(title: Child, aside: Child, ...body: Child[]): HTMLElement {
  return h("section", { class: "card" },
    h("header", null, h("h2", null, title), aside ? h("div", { class: "aside" }, aside) : null),
    body,
  );
}

/** `3 min ago`, kept true by the ticker; exact in the title. */
export function age(page: Page, at: string | number | null | undefined, otherwise = "never"): HTMLElement {
  const ms = typeof at === "number" ? at : instant(at);
  if (ms === null) return h("span", { class: "muted" }, otherwise);
  return h("time", { title: timeExact(ms, page.zone), attrs: { datetime: new Date(ms).toISOString(), "data-ago": ms } }, ago(ms, page.now));
}

/** `14:05`, exact in the title. */
export function time(page: Page, at: string | null | undefined): HTMLElement {
  const ms = instant(at);
  if (ms === null) return h("span", { class: "muted" }, "–");
  return h("time", { title: timeExact(ms, page.zone), attrs: { datetime: new Date(ms).toISOString() } }, moment(ms, page.now, page.zone));
}

/** `2 h 10 min`, counting down. */
export function countdown(page: Page, at: string): HTMLElement {
  const ms = instant(at) ?? page.now;
  return h("time", { title: timeExact(ms, page.zone), attrs: { datetime: at, "data-until": ms } }, lasting(ms - page.now));
}

/** Keeps ages and countdowns true, wherever they are. */
export function tick(root: ParentNode, now: number): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-ago]")) set(element, ago(Number(element.dataset["ago"]), now));
  for (const element of root.querySelectorAll<HTMLElement>("[data-until]")) {
    set(element, lasting(Math.max(0, Number(element.dataset["until"]) - now)));
  }
}

function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A choice of a few, of which one holds. */
export function choice<T extends string>(
  label: string, options: readonly { key: T; label: string; title?: string }[], chosen: T | null, choose: (key: T) => void,
): HTMLElement {
  return h("div", { class: "choice", role: "group", attrs: { "aria-label": label } },
    options.map((option) =>
      button(option.label, () => choose(option.key), {
        attrs: { "aria-pressed": String(option.key === chosen), "data-keep": `${label}:${option.key}` },
        ...(option.title ? { title: option.title } : {}),
      }),
    ),
  );
}

export function badge(text: string, kind: "good" | "warn" | "bad" | "plain", props: Props = {}): HTMLElement {
  return h("span", { ...props, class: `badge ${kind}` }, text);
}

/** Ways of showing a number of a column. */
export const SHOW = {
  money: { text: (n: number): string => money(n), exact: (n: number): string => moneyExact(n) },
  tokens: { text: tokens, exact: (n: number): string => plural(n, "token") },
  count: { text: count, exact: count },
} as const;
