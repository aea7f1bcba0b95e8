// What several views count and colour alike.
// Must not: draw.

import type { Series } from "../parts/chart.ts";
import type { Split } from "../state.ts";
import type { Stats, Sums } from "../types.ts";

const TIERS = ["Opus", "Sonnet", "Haiku", "Fable", "Mythos", "Unknown"];
const OTHER = "--c8";

/** The same tier has the same colour everywhere. */
export function tierColour(tier: string): string {
  const at = TIERS.indexOf(tier);
  return at < 0 || tier === "Unknown" ? OTHER : `--c${at}`;
}

/** The series of an answer, split; those that matter most first. */
export function statsSeries(stats: Stats, split: Split): Series[] {
  const { data } = stats.time_series;
  const parts = data.map((point) => (split === "tier" ? point.by_tier : point.by) ?? {});
  const sums = new Map<string, number>();
  for (const part of parts) for (const [name, cost] of Object.entries(part)) sums.set(name, (sums.get(name) ?? 0) + cost);
  if (sums.size === 0) return [{ label: "Cost", colour: "--c0", values: data.map((point) => point.cost) }];
  const names = [...sums.keys()].filter((name) => (sums.get(name) ?? 0) > 0).sort((a, b) => rank(a) - rank(b) || (sums.get(b) ?? 0) - (sums.get(a) ?? 0));
  return names.map((name, at) => ({
    label: name === "" ? "unknown" : name,
    colour: split === "tier" ? tierColour(name) : name === "other" ? OTHER : `--c${at % 8}`,
    values: parts.map((part) => part[name] ?? 0),
  }));
}

const rank = (name: string): number => (name === "other" ? 1 : 0);

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
