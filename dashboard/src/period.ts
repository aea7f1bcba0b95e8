// Periods: their words, their neighbours, and the names of buckets in them.
// Must not: fetch; which period holds now is the server's to say.

import { civil, dateOf, instantOf, startOfDate, stepped } from "./civil.ts";
import { clockTime, dayName, instant, monthName, shortDay } from "./format.ts";
import type { Period, State } from "./state.ts";
import type { Stats } from "./types.ts";

export interface Span { from: number; to: number }

/** The half-open span of an answer. */
export function spanOf(stats: Stats): Span {
  const from = instant(stats.period.start) ?? 0;
  const to = instant(stats.period.end_exclusive ?? null) ?? (instant(stats.period.end) ?? from) + 1_000;
  return { from, to: Math.max(from, to) };
}

/** The span of the filters, where no answer tells it: the calendar period of the zone that holds now. */
export function spanNow(state: State, now: number, zone: string): Span | null {
  if (state.from) return { from: Date.parse(state.from), to: Date.parse(state.to) };
  if (state.period === "all") return null;
  const [year, month, day, , minute, second] = civil(now, zone);
  if (state.period === "hour") {
    // An hour of the zone: some are half an hour beside UTC's.
    const from = now - (now % 1_000) - (minute * 60 + second) * 1_000;
    return { from, to: from + 3_600_000 };
  }
  const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
  const first = { day, week: day - weekday, month: 1 }[state.period];
  const from = instantOf([year, month, first, 0, 0, 0], zone);
  return { from, to: stepped(from, state.period, 1, zone) };
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.000Z$/, "Z");

/** The same as filters. */
export const asFilter = (span: Span): { from: string; to: string } => ({ from: iso(span.from), to: iso(span.to) });

/** The span that ends where this one starts: a calendar period of the zone, or as long as this one. */
export function before(span: Span, period: Period, isRange: boolean, zone: string): Span | null {
  return neighbour(span, period, isRange, zone, -1);
}

/** The next or previous span. */
export function neighbour(span: Span, period: Period, isRange: boolean, zone: string, way: 1 | -1): Span | null {
  if (period === "all") return null;
  if (isRange && !isCalendar(span, period, zone)) {
    const length = span.to - span.from;
    return { from: span.from + way * length, to: span.to + way * length };
  }
  const from = stepped(span.from, period, way, zone);
  return { from, to: stepped(from, period, 1, zone) };
}

/** Whether a span is exactly one period of the zone, wherever it begins. */
export function isCalendar(span: Span, period: Period, zone: string): boolean {
  return period !== "all" && stepped(span.from, period, 1, zone) === span.to;
}

const THIS: Record<Period, string> = { hour: "this hour", day: "today", week: "this week", month: "this month", all: "all time" };
const BEFORE: Record<Period, string> = { hour: "the hour before", day: "the day before", week: "the week before", month: "the month before", all: "before" };

/** The period in words, for sentences. */
export function inWords(state: State, span: Span | null, zone: string): string {
  if (!state.from || !span) return THIS[state.period];
  return spanWords(span, zone);
}

export const beforeWords = (state: State): string => (state.from ? "the time before" : BEFORE[state.period]);

/** `24 Nov – 30 Nov`, with times where it is no whole days. */
export function spanWords(span: Span, zone: string): string {
  const [first, final] = [civil(span.from, zone)[0], civil(span.to - 1, zone)[0]];
  if (first !== final) return `${shortDay(span.from, zone)} ${first} – ${shortDay(span.to - 1, zone)} ${final}`;
  const isDays = clockTime(span.from, zone) === "00:00" && clockTime(span.to, zone) === "00:00";
  if (!isDays) return `${dayName(span.from, zone)} ${clockTime(span.from, zone)} – ${shortDay(span.to, zone) === shortDay(span.from, zone) ? "" : `${dayName(span.to, zone)} `}${clockTime(span.to, zone)}`;
  const last = span.to - 1;
  return dayName(span.from, zone) === dayName(last, zone) ? dayName(last, zone) : `${shortDay(span.from, zone)} – ${shortDay(last, zone)}`;
}

/** What a bucket is called on the axis. */
export function tick(at: number, granularity: string, zone: string): string {
  if (granularity === "minute" || granularity === "hour") {
    const time = clockTime(at, zone);
    return time === "00:00" && granularity === "hour" ? shortDay(at, zone) : time;
  }
  if (granularity === "year" || granularity === "century") return String(civil(at, zone)[0]);
  return granularity === "month" ? monthName(at, zone) : shortDay(at, zone);
}

/** And in full. */
export function bucketName(at: number, granularity: string, zone: string): string {
  if (granularity === "minute" || granularity === "hour") return `${dayName(at, zone)}, ${clockTime(at, zone)}`;
  if (granularity === "year") return String(civil(at, zone)[0]);
  if (granularity === "century") return `Century from ${civil(at, zone)[0]}`;
  if (granularity === "week") return `Week of ${dayName(at, zone)}`;
  return granularity === "month" ? monthName(at, zone) : dayName(at, zone);
}

/** Of more days than this no gap can be seen. */
const MOST_DAYS = 800;
const DAY = 86_400_000;

/** These dates, which are sorted, and those between them: on an axis three days of a week are not three in a row. */
export function withDaysBetween(dates: readonly string[], zone: string): readonly string[] {
  const [first, last] = [startOfDate(dates[0] ?? "", "UTC"), startOfDate(dates.at(-1) ?? "", "UTC")];
  if (first === null || last === null || (last - first) / DAY > MOST_DAYS) return dates;
  const all: string[] = [];
  for (let at = first; at <= last; at += DAY) all.push(dateOf(at, "UTC"));
  const had = new Set(daysHad(all, zone));
  return dates.every((date) => had.has(date)) ? [...had] : dates;
}

/** Without the dates that a zone leapt over. A zone is asked only for the ends, which costs next to nothing, where it leapt over none. */
function daysHad(dates: readonly string[], zone: string): readonly string[] {
  const start = (date: string): number => startOfDate(date, zone) ?? 0;
  const days = Math.round((start(dates.at(-1) ?? "") - start(dates[0] ?? "")) / DAY);
  return days === dates.length - 1 ? dates : dates.filter((date) => dateOf(start(date), zone) === date);
}
