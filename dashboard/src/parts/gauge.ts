// A window of a plan's limit as a gauge: how full, how old and from where that is, when it resets, where it is heading.
// Must not: guess; what the daemon does not know is said to be unknown.

import { clockTime, count, dayName, instant, tokens } from "../format.ts";
import type { Page } from "../page.ts";
import type { Account, LimitWindow } from "../types.ts";
import { type Child, ICONS, h, icon } from "./dom.ts";
import { age, countdown, number } from "./figure.ts";

const HOURS: Record<string, number> = { five_hour: 5 };
const NAMES: Record<string, string> = { five_hour: "5 hours", seven_day: "7 days" };

/** `seven_day_opus` is “7 days, Opus”. */
export function windowName(window: string): string {
  const known = NAMES[window];
  if (known) return known;
  const scoped = /^(five_hour|seven_day)[_:-](.+)$/.exec(window);
  const words = (text: string): string => text.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
  return scoped ? `${NAMES[scoped[1] ?? ""] ?? ""}, ${words(scoped[2] ?? "")}` : words(window);
}

const SOURCES: Record<string, string> = {
  endpoint: "asked of the service", stdin: "told by Claude Code's status line", claude_cache: "Claude Code's own memory",
  hot_swap: "kept by an account switcher", manual: "typed by hand",
};

/** Words for where a reading comes from. */
export function sourceName({ source, state }: LimitWindow): string {
  if (state === "local") return "estimated here";
  if (source === null) return "no source";
  return SOURCES[source] ?? source.replaceAll("_", " ");
}

/** What the marks of a reading mean; signs that not every machine has a font for are drawn. */
const MARKS: Record<string, readonly [string, string]> = {
  "⚠": ["getting old", "It may be more by now"],
  "⚠⚠": ["old", "It may be much more by now"],
  "🔺": ["may be wrong", "So old that it may be wrong, of an age that cannot be told, or of a login that has ended"],
};

function mark({ mark: sign }: LimitWindow): Child {
  if (sign === "") return null;
  const [word, says] = MARKS[sign] ?? ["", ""];
  return h("span", { class: "mark", title: says }, icon(ICONS.warn), word);
}

const level = (percent: number): string => (percent >= 90 ? "full" : percent >= 75 ? "near" : "fine");

/** How much of the window's time is over, from 0 to 1. */
function elapsed(window: LimitWindow, now: number): number | null {
  const resets = instant(window.resetsAt);
  if (resets === null) return null;
  const length = (HOURS[window.window] ?? 168) * 3_600_000;
  return Math.min(1, Math.max(0, 1 - (resets - now) / length));
}

export function gauge(page: Page, account: Account, window: LimitWindow): HTMLElement {
  const name = windowName(window.window);
  const { percent } = window;
  // What stands in for a reading has no age.
  const isOld = window.mark !== "" && percent !== null;
  const main = percent !== null ? `${Math.floor(percent)}%` : window.localTokens !== null ? `≈${tokens(window.localTokens)}` : "–";
  const where = {
    title: `${name}, ${account.account}`,
    value: percent !== null ? `${percent}%` : window.localTokens !== null ? `${count(window.localTokens)} tokens of this machine` : "unknown",
    says: says(window),
    route: "/api/limits",
  };
  return h("article", { class: `gauge ${percent === null ? "unknown" : level(percent)} ${isOld ? "old" : ""}`.trim() },
    h("div", { class: "head" }, h("h3", null, name), number(page, main, where, "big")),
    meter(window, name, page.now),
    h("div", { class: "foot" }, h("span", null, state(page, window)), h("span", { class: "pace" }, pace(page, window))),
    h("p", { class: "source" }, sourceName(window), window.observedAt ? [", ", age(page, window.observedAt)] : null, mark(window)),
  );
}

function meter(window: LimitWindow, name: string, now: number): HTMLElement {
  const { percent } = window;
  const text = percent === null ? "unknown" : `${percent}% used`;
  const element = h("div", { class: "meter", role: "meter", attrs: {
    "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuetext": text,
    "aria-valuenow": percent === null ? 0 : Math.min(100, percent),
  } });
  if (percent !== null && window.pace && window.pace.percentAtReset > percent) {
    const ahead = h("i", { class: "ahead" });
    ahead.style.width = `${Math.min(100, window.pace.percentAtReset)}%`;
    element.append(ahead);
  }
  if (percent !== null) {
    const used = h("i", { class: "used" });
    used.style.width = `${Math.min(100, percent)}%`;
    element.append(used);
  }
  const over = elapsed(window, now);
  if (over !== null) {
    const hand = h("i", { class: "hand", title: `${Math.round(over * 100)}% of the time is over` });
    hand.style.left = `${over * 100}%`;
    element.append(hand);
  }
  return element;
}

function state(page: Page, window: LimitWindow): Child {
  if (window.state === "not_started") return "Not started";
  if (window.state === "reset") return "Reset; nothing was heard since";
  if (window.state === "local") return "Estimate: tokens of this machine";
  if (window.state === "unknown") return "Unknown";
  return window.resetsAt ? ["Resets in ", countdown(page, window.resetsAt)] : "No reset time known";
}

function pace(page: Page, window: LimitWindow): Child {
  if (!window.pace) return null;
  const full = instant(window.pace.fullAt);
  if (full !== null && full <= page.now) return h("strong", null, "Full by now at this pace");
  if (full !== null) {
    const when = full - page.now < 86_400_000 ? clockTime(full, page.zone) : `${dayName(full, page.zone)}, ${clockTime(full, page.zone)}`;
    return h("strong", null, `Full ${when} at this pace`);
  }
  // An estimate is rounded, and nothing is said to be full that stays below: as commands do.
  const { percentAtReset } = window.pace;
  return `~${percentAtReset < 100 ? Math.min(99, Math.round(percentAtReset)) : Math.round(percentAtReset)}% by then`;
}

function says(window: LimitWindow): string {
  if (window.state === "local") return "No reading holds. These are the tokens that this machine's transcripts tell of the window; other machines' are not among them.";
  if (window.source === null) return "Nothing is known of this window yet.";
  const from = `The reading is ${sourceName(window)}`;
  const when = window.observedAt ? `, observed ${window.observedAt}` : "";
  const resets = window.resetsAt ? ` The window resets ${window.resetsAt}.` : "";
  const pace = window.pace ? ` The pace is ${window.pace.percentPerHour}% an hour, ${window.pace.percentAtReset}% at the reset.` : "";
  return `${from}${when}.${resets}${pace} Of several readings of one window the higher holds, until the service says less.`;
}
