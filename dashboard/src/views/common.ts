// What several views count and colour alike.
// Must not: draw.

import { named } from "../names.ts";
import type { Series } from "../parts/chart.ts";
import type { Priced } from "../parts/figure.ts";
import type { Split } from "../state.ts";
import type { Group, Stats, Sums, Totals } from "../types.ts";

const TIERS = ["Opus", "Sonnet", "Haiku", "Fable", "Mythos", "Unknown"];
const OTHER = "--c8";

/** Who made the calls that no agent made. */
export const MAIN_THREAD = "the main thread";

/** How many calls a summary, a group or totals are made of, and how many of them have no price. */
export const pricedOf = (of: Stats["summary"] | Group | Totals): Priced =>
  ({ calls: "total_calls" in of ? of.total_calls : of.call_count, unpriced_calls: of.unpriced_calls });

/** The same of sums that may be missing. */
export const pricedIn = ({ calls = 0, unpriced_calls = 0 }: Partial<Sums>): Priced => ({ calls, unpriced_calls });

/** What each bucket costs, and how many of its calls have no price. */
export const bucketsOf = ({ time_series: { data } }: Stats): { totals: number[]; unpriced: number[] } =>
  ({ totals: data.map((point) => point.cost), unpriced: data.map((point) => point.unpriced_calls) });

/** The same tier has the same colour everywhere. */
export function tierColour(tier: string): string {
  const at = TIERS.indexOf(tier);
  return at < 0 || tier === "Unknown" ? OTHER : `--c${at}`;
}

/** The series of an answer, split; those that matter most first. */
export function statsSeries(stats: Stats, split: Split, called: (key: string) => string = named): Series[] {
  const { data } = stats.time_series;
  const parts = data.map((point) => (split === "tier" ? point.by_tier : point.by) ?? {});
  const rest = data.map((point) => (split === "tier" ? 0 : (point.rest ?? 0)));
  const sums = new Map<string, number>();
  for (const part of parts) for (const [name, cost] of Object.entries(part)) sums.set(name, (sums.get(name) ?? 0) + cost);
  const hasRest = rest.some((cost) => cost > 0);
  if (sums.size === 0 && !hasRest) return [{ label: "Cost", colour: "--c0", values: data.map((point) => point.cost) }];
  const names = [...sums.keys()].filter((name) => (sums.get(name) ?? 0) > 0).sort((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0));
  const series = names.map((name, at) => ({
    label: called(name),
    colour: split === "tier" ? tierColour(name) : `--c${at % 8}`,
    values: parts.map((part) => part[name] ?? 0),
  }));
  // A project or model may be called anything, so the rest is no name.
  return hasRest ? [...series, { label: "all others", colour: OTHER, values: rest }] : series;
}

/** Prompt tokens that came from the cache, of all prompt tokens; null where there are none. */
export function hitRatio(tokens: Partial<Record<string, number>>): number | null {
  const read = tokens["cache_read"] ?? 0;
  const written = tokens["cache_write"] ?? (tokens["cache_write_5m"] ?? 0) + (tokens["cache_write_1h"] ?? 0);
  const all = read + written + (tokens["input"] ?? 0);
  return all > 0 ? read / all : null;
}

/** The same of sums. */
export function hitsOf(sums: Partial<Sums>): number | null {
  const { input = 0, cache_read = 0, cache_write_5m = 0, cache_write_1h = 0 } = sums;
  return hitRatio({ input, cache_read, cache_write: cache_write_5m + cache_write_1h });
}
