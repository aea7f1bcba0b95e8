// Numbers and times as people read them, and as exact as they are for titles.
// Must not: touch the page or the clock; `now` and the zone are arguments, and `""` is the browser's own zone.

import { civil } from "./civil.ts";

/** A number in groups of three digits. By hand: the first object of `Intl` costs a new page some 20 ms. */
function grouped(n: number | bigint): string {
  const [whole = "", places] = String(typeof n === "number" ? Math.round(n * 1_000) / 1_000 : n).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (places ? `.${places}` : "");
}

/** What of an amount is not known: nothing, the part of calls without a price, or all of it. */
export type Mark = "" | "+?" | "?";

/** The mark of an amount that so many calls make up, of which so many have no price. */
export const markOf = (calls: number, unpriced: number): Mark => (unpriced <= 0 ? "" : unpriced < calls ? "+?" : "?");

/** USD: `$12.45`, `<$0.01` for what is less than a cent but not nothing; `$12.45+?` and `?` as commands mark them. */
export function money(usd: number, mark: Mark = ""): string {
  return mark === "?" ? "?" : `${dollars(usd)}${mark}`;
}

/** The same of one call, which mostly costs a part of a dollar: `$0.012`. */
export const perCallText = (usd: number): string => (usd >= 0.0005 && usd < 1 ? `$${usd.toFixed(3)}` : money(usd));

/** USD at the lines of an axis, all with as many places: none, or two, or as many as the finest of them needs. */
export function moneyAxis(values: readonly number[]): string[] {
  const placesOf = (usd: number): number => usd.toFixed(9).replace(/0+$/, "").split(".")[1]?.length ?? 0;
  const most = Math.max(0, ...values.map(placesOf));
  const places = most === 0 ? 0 : Math.max(2, most);
  return values.map((usd) => `$${usd.toFixed(places)}`);
}

/** What the cache saved, in a sentence, where a mark of an amount would read as part of it. */
export const savedWords = (usd: number, mark: Mark): string =>
  mark === "?" ? "saved: unknown, no price" : `${money(usd)} saved${mark === "" ? "" : ", by calls with a price"}`;

function dollars(usd: number): string {
  if (!Number.isFinite(usd)) return "–";
  if (usd < 0) return `−${dollars(-usd)}`;
  if (usd > 0 && usd < 0.01) return "<$0.01";
  if (usd >= 99_999.995) return `$${grouped(Math.round(usd))}`;
  // Half a cent is a whole one, as its decimals say: in binary it may be a little less.
  const cents = (BigInt(usd.toFixed(9).replace(".", "")) + 5_000_000n) / 10_000_000n;
  return `$${grouped(cents / 100n)}.${String(cents % 100n).padStart(2, "0")}`;
}

/** The same for the ear. */
export const spoken = (text: string): string =>
  text === "?" ? "unknown, no price" : text.endsWith("+?") ? `${text.slice(0, -2)} and calls without a price` : text;

/** USD with all its places, at least two and at most nine. */
export function moneyExact(usd: number, mark: Mark = ""): string {
  if (mark === "?") return "unknown: no price";
  return mark === "" ? exactly(usd) : `${exactly(usd)}, and calls without a price`;
}

function exactly(usd: number): string {
  if (!Number.isFinite(usd)) return "unknown";
  const [whole = "0", places = ""] = Math.abs(usd).toFixed(9).split(".");
  const sign = usd < 0 ? "−" : "";
  return `${sign}$${grouped(BigInt(whole))}.${places.replace(/0+$/, "").padEnd(2, "0")}`;
}

/** A count: `1,234`. */
export function count(n: number): string {
  return Number.isFinite(n) ? grouped(n) : "–";
}

/** `1 call`, `12 calls`. */
export const plural = (n: number, word: string): string => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

const STEPS: readonly [number, string][] = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];

/** Tokens: `950`, `15.2k`, `1.2M`. */
export function tokens(n: number): string {
  if (!Number.isFinite(n)) return "–";
  for (const [size, letter] of STEPS) {
    // From what would round up to it, so that nothing is called 1000k.
    if (n >= size * 0.9995) {
      const value = n / size;
      return `${value < 99.95 ? value.toFixed(1) : Math.round(value).toString()}${letter}`;
    }
  }
  // A rate has places; less than ten of them tell something.
  return grouped(n < 10 ? Math.round(n * 10) / 10 : Math.round(n));
}

/** A share from 0 to 1: `42%`, `4.2%`. */
export function share(part: number | null, places = 0): string {
  if (part === null || !Number.isFinite(part)) return "–";
  if (part > 0 && part * 100 < 0.05) return "<0.1%";
  if (part < 1 && part * 100 > 99.95) return ">99.9%";
  return `${(part * 100).toFixed(places)}%`;
}

/** How much more or less than before: `+12%`; nothing to compare with is null. */
export function change(now: number, before: number): string | null {
  if (!(before > 0)) return null;
  const percent = ((now - before) / before) * 100;
  const whole = Math.round(Math.abs(percent));
  if (whole === 0) return "±0%";
  return `${percent < 0 ? "−" : "+"}${grouped(whole)}%`;
}

/** Bytes: `12.4 MB`. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  for (const [size, letter] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]] as const) {
    if (n >= size * 0.9995) return `${(n / size).toFixed(n / size < 99.95 ? 1 : 0)} ${letter}`;
  }
  return `${n} B`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something lasts, in its two largest units: `2 h 10 min`. */
export function lasting(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE);
    return `${Math.floor(ms / HOUR)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  const hours = Math.floor((ms % DAY) / HOUR);
  return `${Math.floor(ms / DAY)} d${hours ? ` ${hours} h` : ""}`;
}

/** How long ago: `3 min ago`. What lies ahead by more than clocks differ is `in 3 min`. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms < -5 * SECOND) return `in ${lasting(-ms)}`;
  if (ms < 5 * SECOND) return "just now";
  if (ms < DAY) return `${lasting(ms >= HOUR ? ms - (ms % HOUR) : ms)} ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

/** RFC 3339 to milliseconds, null where it is none. */
export function instant(text: string | null | undefined): number | null {
  if (!text) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${name} ${zone}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone || undefined });
    formats.set(key, found);
  }
  return found;
}

/** Whether the browser knows a zone of this name. */
export function isZone(zone: string): boolean {
  if (zone === "") return false;
  try {
    format(zone, "zone", {});
    return true;
  } catch {
    return false;
  }
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `14:05`. */
export function clockTime(at: number, zone: string): string {
  const [, , , hour, minute] = civil(at, zone);
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/** `Thu 26 Nov`. */
export function dayName(at: number, zone: string): string {
  const [year, month, day] = civil(at, zone);
  return `${WEEKDAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]} ${day} ${MONTHS[month]}`;
}

/** `26 Nov`. */
export function shortDay(at: number, zone: string): string {
  const [, month, day] = civil(at, zone);
  return `${day} ${MONTHS[month]}`;
}

/** `Nov 2026`. */
export function monthName(at: number, zone: string): string {
  const [year, month] = civil(at, zone);
  return `${MONTHS[month]} ${year}`;
}

/** `26 Nov 2026, 14:05:09.123 GMT+1`: to the millisecond, with the zone. */
export const timeExact = (at: number, zone: string): string =>
  format(zone, "exact", {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    fractionalSecondDigits: 3, hourCycle: "h23", timeZoneName: "short",
  }).format(at);

/** `14:05` of the same day, otherwise `25 Nov 14:05`. */
export function moment(at: number, now: number, zone: string): string {
  const isSameDay = dayName(at, zone) === dayName(now, zone) && Math.abs(now - at) < 2 * DAY;
  return isSameDay ? clockTime(at, zone) : `${shortDay(at, zone)} ${clockTime(at, zone)}`;
}
