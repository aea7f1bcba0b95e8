// Civil time of a zone: which day an instant is in, when a day starts, and the period before.
// Must not: read the clock; sums of money or tokens are the server's.

/** Year, month (1..12), day, hour, minute, second. */
export type Civil = readonly [number, number, number, number, number, number];

const formats = new Map<string, Intl.DateTimeFormat>();

/** The civil time of an instant; without a zone, in the browser's own, which costs no object of `Intl`: the first takes 20 ms. */
export function civil(at: number, zone: string): Civil {
  const date = new Date(at);
  if (zone === "") return [date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  if (zone === "UTC") return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
      hour: "numeric", minute: "numeric", second: "numeric",
    });
    formats.set(zone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
  const part = (name: string): number => parts[name] ?? 0;
  return [part("year"), part("month"), part("day"), part("hour"), part("minute"), part("second")];
}

const asUtc = (time: Civil): number => Date.UTC(time[0], time[1] - 1, time[2], time[3], time[4], time[5]);

/** The instant of a civil time; fields may run over. A time that a zone leaps over is the one after it. */
export function instantOf(time: Civil, zone: string): number {
  const wanted = asUtc(time);
  const offset = (at: number): number => asUtc(civil(at, zone)) - Math.floor(at / 1000) * 1000;
  const first = wanted - offset(wanted);
  const second = wanted - offset(first);
  return Math.max(Math.min(first, second), asUtc(civil(second, zone)) === wanted ? second : Math.max(first, second));
}

/** `2026-11-26`. */
export function dateOf(at: number, zone: string): string {
  const [year, month, day] = civil(at, zone);
  return `${year}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** When a date starts; null where it is none. */
export function startOfDate(date: string, zone: string): number | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (!found) return null;
  return instantOf([Number(found[1]), Number(found[2]), Number(found[3]), 0, 0, 0], zone);
}

/** The start of a period that is `steps` of them away from one that starts at `start`. */
export function stepped(start: number, kind: "hour" | "day" | "week" | "month", steps: number, zone: string): number {
  if (kind === "hour") return start + steps * 3_600_000;
  const [year, month, day, hour, minute, second] = civil(start, zone);
  if (kind === "month") return instantOf([year, month + steps, day, hour, minute, second], zone);
  const days = kind === "week" ? 7 * steps : steps;
  return instantOf([year, month, day + days, hour, minute, second], zone);
}
