// What is looked at: the view and its filters, kept in the query of the page's address.
// Must not: hold data or secrets; the fragment of the address is the one-time code's only.

import { isZone } from "./format.ts";

export const VIEWS = ["now", "cost", "projects", "heatmap", "cache", "tools", "sources"] as const;
export const PERIODS = ["hour", "day", "week", "month", "all"] as const;
export const GRANULARITIES = ["", "minute", "hour", "day", "week", "month"] as const;
export const SPLITS = ["tier", "model", "project"] as const;
export const METRICS = ["cost", "calls", "tokens"] as const;

export type ViewKey = (typeof VIEWS)[number];
export type Period = (typeof PERIODS)[number];
export type Split = (typeof SPLITS)[number];
export type Metric = (typeof METRICS)[number];

export interface State {
  view: ViewKey;
  period: Period;
  /** RFC 3339; both or none. They override the period. */
  from: string;
  to: string;
  project: string;
  branch: string;
  session: string;
  model: string;
  account: string;
  zone: string;
  granularity: (typeof GRANULARITIES)[number];
  split: Split;
  metric: Metric;
  compare: boolean;
  /** Of the calendar; 0: the present one. */
  year: number;
  /** Rows of tables that hold this. */
  find: string;
}

export const DEFAULTS: Readonly<State> = {
  view: "now", period: "week", from: "", to: "", project: "", branch: "", session: "", model: "", account: "",
  zone: "", granularity: "", split: "tier", metric: "cost", compare: false, year: 0, find: "",
};

/** No filter is longer. */
const LONGEST = 2_000;

/** Filters by what calls have in common. */
export const NAMED = ["project", "branch", "model", "account"] as const;

/** Those of them that are set. */
export const chosen = (state: State): readonly (typeof NAMED)[number][] => NAMED.filter((key) => state[key] !== "");

/** A state without them. */
export const UNFILTERED: Readonly<Partial<State>> = { project: "", branch: "", model: "", account: "", session: "" };

const oneOf = <T extends string>(words: readonly T[], word: string | null, otherwise: T): T =>
  words.find((known) => known === word) ?? otherwise;

const isTime = (text: string): boolean => /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));

/** What an address asks for; what it gets wrong is as if not said. */
export function parse(search: string): State {
  const query = new URLSearchParams(search);
  const text = (name: string): string => (query.get(name) ?? "").slice(0, LONGEST);
  const [from, to] = [text("from"), text("to")];
  const isRange = isTime(from) && isTime(to) && Date.parse(from) < Date.parse(to);
  const year = Number(query.get("year"));
  return {
    view: oneOf(VIEWS, query.get("view"), DEFAULTS.view),
    period: oneOf(PERIODS, query.get("period"), DEFAULTS.period),
    from: isRange ? from : "",
    to: isRange ? to : "",
    project: text("project"),
    branch: text("branch"),
    session: text("session"),
    model: text("model"),
    account: text("account"),
    zone: isZone(text("zone")) ? text("zone") : "",
    granularity: oneOf(GRANULARITIES, query.get("granularity"), DEFAULTS.granularity),
    split: oneOf(SPLITS, query.get("split"), DEFAULTS.split),
    metric: oneOf(METRICS, query.get("metric"), DEFAULTS.metric),
    compare: query.get("compare") === "true",
    year: Number.isInteger(year) && year >= 2000 && year <= 9999 ? year : 0,
    find: text("find"),
  };
}

/** What an address says that means nothing here, as it says it: names that are no filters, and values that are none. */
export function mistakes(search: string): string[] {
  const state = parse(search);
  const isKnown = (key: string, value: string): boolean => {
    if (!(Object.hasOwn(DEFAULTS, key))) return false;
    const told = state[key as keyof State];
    return String(told) === value || typeof told === "number" && value === "0" || typeof told === "boolean" && value === "false" || value.length > LONGEST;
  };
  return [...new URLSearchParams(search)].filter(([key, value]) => value !== "" && !isKnown(key, value)).map(([key, value]) => `${key}=${value}`.slice(0, 80));
}

/** The address of a state: only what differs from the defaults, always in the same order. */
export function address(state: State): string {
  const query = new URLSearchParams();
  for (const key of Object.keys(DEFAULTS) as (keyof State)[]) {
    if (state[key] !== DEFAULTS[key]) query.set(key, String(state[key]));
  }
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** Parameters of a route. */
export type Query = Record<string, string>;

const TIMES = ["period", "from", "to"];
const FILTERS = [...TIMES, "project", "branch", "model", "account"];

/** The filters in the query of a route, and further ones; a time in these replaces the other. */
export function narrowed(route: string, within: Query = {}): Query {
  const given = [...new URLSearchParams(route.split("?")[1] ?? "")].filter(([name]) => FILTERS.includes(name));
  const hasTime = TIMES.some((name) => name in within);
  return { ...Object.fromEntries(given.filter(([name]) => !hasTime || !TIMES.includes(name))), ...within };
}

/** The filters as the API names them; those that are not set are left out. */
export function filters(state: State): Query {
  const query: Query = state.from ? { from: state.from, to: state.to } : { period: state.period };
  for (const key of NAMED) {
    if (state[key]) query[key] = state[key];
  }
  if (state.zone) query["timezone"] = state.zone;
  return query;
}
