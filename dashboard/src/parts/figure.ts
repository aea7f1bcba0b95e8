// Numbers that say where they come from, times that age, and cards that hold them.
// Must not: compute what they show.

import { ago, count, instant, lasting, moment, money, moneyExact, plural, timeExact, tokens } from "../format.ts";
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
    attrs: { "aria-label": `${where.title}: ${text}. Where from?`, "data-where": true },
  });
}

export interface Figure {
  label: string;
  text: string;
  where: Where;
  /** A line below. */
  note?: Child;
  exact: number | string;
  isMain?: boolean;
}

/** Key numbers side by side. */
export function figures(page: Page, title: string, items: readonly Figure[]): HTMLElement {
  page.sheet.push({ kind: "figures", title, items: items.map(({ label, text, exact }) => ({ label, value: text, exact })) });
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
  money: { text: money, exact: moneyExact },
  tokens: { text: tokens, exact: (n: number): string => plural(n, "token") },
  count: { text: count, exact: count },
} as const;
