// The bar of filters of a view: period and its neighbours, project, model, account, zone, rows.
// Must not: keep a filter anywhere but in the address.

import { get } from "../api.ts";
import { dateOf, startOfDate, stepped } from "../civil.ts";
import { isZone } from "../format.ts";
import { UNKNOWN, projectNames, shown } from "../names.ts";
import type { FilterKey, Page } from "../page.ts";
import { type Span, asFilter, isCalendar, neighbour, spanWords } from "../period.ts";
import { GRANULARITIES, PERIODS, type State } from "../state.ts";
import type { Breakdown, Project, Stats } from "../types.ts";
import { ICONS, button, fill, h, icon } from "./dom.ts";
import { choice } from "./figure.ts";

/** What can be chosen. */
export interface Known { projects: { key: string; label: string }[]; /** Of all projects, by path. */ names: ReadonlyMap<string, string>; models: string[]; /** Null where they could not be had. */ accounts: { key: string; label: string }[] | null }

/** Everything that has ever been used. */
export async function known(): Promise<Known> {
  const [stats, projects, accounts] = await Promise.all([
    get<Stats>("/api/stats", { period: "all" }),
    get<{ projects: Project[] }>("/api/stats/projects", { period: "all" }),
    get<Breakdown>("/api/stats/breakdown", { period: "all", by: "account" }).catch(() => null),
  ]);
  const names = projectNames(projects.projects.map(({ path }) => path));
  return {
    projects: projects.projects.slice(0, 500).map(({ path }) => ({ key: path, label: names.get(path) ?? UNKNOWN })),
    names,
    models: [...Object.keys(stats.by_model_tier).filter((tier) => (stats.by_model_tier[tier]?.call_count ?? 0) > 0), ...Object.keys(stats.by_model)],
    // Keys of accounts are their ids; an address of this page says what people call them.
    accounts: accounts?.rows.filter(({ label }) => label !== "").map(({ label }) => ({ key: label, label })) ?? null,
  };
}

const TITLES = { hour: "Hour", day: "Day", week: "Week", month: "Month", all: "All" } as const;

export function bar(page: Page, uses: readonly FilterKey[], of: Known | null, span: Span | null): HTMLElement {
  const has = (key: FilterKey): boolean => uses.includes(key);
  const { state } = page;
  return h("form", { class: "filters", attrs: { "aria-label": "Filters" }, on: { submit: (event: Event) => event.preventDefault() } },
    has("period") ? period(page, span) : null,
    has("granularity") ? pick("Steps", "granularity", GRANULARITIES.map((key) => ({ key, label: key ? `By ${key}` : "Steps: auto" })), state.granularity, (granularity) => page.set({ granularity: granularity as State["granularity"] }), false) : null,
    has("project") ? pick("Project", "project", withOwn(of?.projects ?? [], state.project, page.called(state.project)), state.project, (project) => page.set({ project, branch: "", session: "" })) : null,
    state.branch && has("project") ? chip(`on ${state.branch}`, () => page.set({ branch: "" })) : null,
    has("model") ? pick("Model", "model", withOwn((of?.models ?? []).map((key) => ({ key, label: key })), state.model, state.model), state.model, (model) => page.set({ model })) : null,
    has("account") && (state.account || (of?.accounts?.length ?? 0) > 1) ? pick("Account", "account", withOwn(of?.accounts ?? [], state.account, state.account), state.account, (account) => page.set({ account })) : null,
    has("zone") ? zone(page) : null,
    has("find") ? find(page) : null,
  );
}

/** Somebody is at it: what is open, or typed and not taken yet, would be gone if it were drawn anew. What is found is taken at once. */
export function isInUse(bar: Element): boolean {
  const zone = bar.querySelector<HTMLInputElement>("#filter-zone");
  return bar.querySelector("details[open], select[data-used]:focus") !== null || (zone !== null && zone.value !== zone.defaultValue);
}

type Option = { key: string; label: string };

/** What is chosen can be seen, also where nothing is known of it. */
const withOwn = (options: readonly Option[], key: string, label: string): readonly Option[] =>
  key === "" || options.some((option) => option.key === key) ? options : [{ key, label }, ...options];

function pick(label: string, key: string, options: readonly Option[], chosen: string, choose: (key: string) => void, any = true): HTMLElement {
  // Its menu may be open from then on; what was chosen draws another one, which nobody has opened yet.
  const use = (): void => { select.dataset["used"] = ""; };
  const select = h("select", { id: `filter-${key}`, attrs: { "data-keep": key }, on: { change: () => choose(select.value), mousedown: use, keydown: use } },
    any ? h("option", { value: "" }, `All ${label.toLowerCase()}s`) : null,
    options.map((option) => h("option", { value: option.key, title: option.key }, option.label)));
  select.value = chosen;
  return h("label", { class: chosen ? "field set" : "field" }, h("span", { class: "unseen" }, label), select);
}

const chip = (text: string, remove: () => void): HTMLElement =>
  button([shown(text), icon(ICONS.close)], remove, { class: "chip", title: `Without “${text}”` });

function period(page: Page, span: Span | null): HTMLElement {
  const { state, zone: name } = page;
  const isOwn = state.from !== "" && span !== null && !isCalendar(span, state.period, name);
  const step = (way: 1 | -1): (() => void) | null => {
    const next = span && neighbour(span, state.period, state.from !== "", name, way);
    if (!next || next.from > page.now) return null;
    // The period that holds now goes by its name, so that it moves on with time.
    const isNow = page.now >= next.from && page.now < next.to && isCalendar(next, state.period, name);
    return () => page.set(isNow ? { from: "", to: "" } : asFilter(next));
  };
  const [earlier, later] = [step(-1), step(1)];
  const arrow = (press: (() => void) | null, path: string, label: string, key: string): HTMLElement =>
    button(icon(path), () => press?.(), { class: "square", title: `${label} (${key})`, attrs: { "aria-label": label, disabled: press === null, "data-step": key, "data-keep": label } });
  return h("div", { class: "period" },
    choice("Period", PERIODS.map((key) => ({ key, label: TITLES[key] })), isOwn ? null : state.period, (key) => page.set({ period: key, from: "", to: "", granularity: "" })),
    h("div", { class: "steps" }, arrow(earlier, ICONS.left, "Earlier", "["),
      range(page, span, isOwn), arrow(later, ICONS.right, "Later", "]")));
}

/** The days that are looked at; opens to choose others. */
function range(page: Page, span: Span | null, isOwn: boolean): HTMLElement {
  const { zone: name } = page;
  const [first, last] = [h("input", { type: "date", attrs: { "aria-label": "First day" } }), h("input", { type: "date", attrs: { "aria-label": "Last day" } })];
  if (span) {
    first.value = dateOf(span.from, name);
    last.value = dateOf(Math.min(span.to - 1, Math.max(span.from, page.now)), name);
  }
  const use = (): void => {
    const [from, end] = [startOfDate(first.value, name), startOfDate(last.value, name)];
    if (from === null || end === null || end < from) return page.tell("The last day is before the first.");
    page.set({ ...asFilter({ from, to: stepped(end, "day", 1, name) }), granularity: "" });
  };
  return h("details", { class: isOwn ? "range set" : "range" },
    h("summary", { title: "Choose days" }, span ? spanWords(span, name) : "All time"),
    h("div", { class: "pop" }, h("label", null, "From", first), h("label", null, "To", last), button("Show", use, { class: "primary small" })));
}

function zone(page: Page): HTMLElement {
  const list = h("datalist", { id: "zones" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const input = h("input", {
    id: "filter-zone", value: page.state.zone,
    attrs: { list: "zones", placeholder: page.zone || "Time zone", autocomplete: "off", spellcheck: "false", size: 14, "data-keep": "zone" },
    on: {
      focus: () => { if (!list.firstChild) list.append(...Intl.supportedValuesOf("timeZone").map((name) => h("option", { value: name }))); },
      change: () => {
        const wanted = input.value.trim();
        const isWrong = wanted !== "" && !isZone(wanted);
        fill(wrong, isWrong ? `No time zone is called “${wanted}”. Names are like Europe/Berlin.` : null);
        input.setAttribute("aria-invalid", String(isWrong));
        if (isWrong) return;
        // Where it is the same as before nothing is drawn.
        input.value = wanted;
        page.set({ zone: wanted });
      },
    },
  });
  return h("label", { class: page.state.zone ? "field set" : "field" }, h("span", { class: "unseen" }, "Time zone"), input, list, wrong);
}

function find(page: Page): HTMLElement {
  const input = h("input", {
    id: "find", type: "search", value: page.state.find,
    attrs: { placeholder: matchMedia("(hover: none), (max-width: 860px)").matches ? "Find rows" : "Find rows  /", "aria-label": "Find rows", autocomplete: "off", spellcheck: "false", "data-keep": "find" },
    on: { input: () => page.set({ find: input.value }) },
  });
  return h("label", { class: "field find" }, input);
}
