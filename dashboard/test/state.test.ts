import assert from "node:assert/strict";
import { test } from "node:test";

import { scope } from "../src/page.ts";
import { before, isCalendar, neighbour, spanNow, spanWords, withDaysBetween } from "../src/period.ts";
import { DEFAULTS, address, filters, mistakes, narrowed, parse } from "../src/state.ts";

test("an address says only what differs, and says it back", () => {
  assert.equal(address(DEFAULTS), "/");
  const state = { ...DEFAULTS, view: "cost", period: "month", project: "/home/a b/&x=1#", compare: true, zone: "Europe/Berlin", from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z" } as const;
  assert.deepEqual(parse(address(state).slice(1)), state);
});

test("what an address gets wrong is as if not said", () => {
  const state = parse("?view=<b>&period=dya&granularity=x&split=y&metric=z&year=99999&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z&compare=1&__proto__=x");
  assert.deepEqual(state, DEFAULTS);
  assert.equal(parse(`?project=${"x".repeat(10_000)}`).project.length, 2_000);
});

test("what an address gets wrong is told", () => {
  assert.deepEqual(mistakes("?period=nope&timezone=Mars&foo=bar&view=cost&zone=Mars&compare=1&project=app"), ["period=nope", "timezone=Mars", "foo=bar", "zone=Mars", "compare=1"]);
  assert.deepEqual(mistakes("?from=2026-11-02T00:00:00Z&to=x"), ["from=2026-11-02T00:00:00Z", "to=x"]);
  assert.deepEqual(mistakes("?period=day&year=2026&zone=Europe/Berlin&compare=true&find=&granularity=hour"), []);
  assert.deepEqual(mistakes("?__proto__=x&hasOwnProperty=y"), ["__proto__=x", "hasOwnProperty=y"]);
});

test("the API is asked with a range or a period, never both", () => {
  assert.deepEqual(filters({ ...DEFAULTS, period: "day", model: "Opus" }), { period: "day", model: "Opus" });
  assert.deepEqual(filters({ ...DEFAULTS, from: "a", to: "b", zone: "UTC" }), { from: "a", to: "b", timezone: "UTC" });
});

test("what is explained is what the number's own question asked for", () => {
  const route = "/api/stats?period=week&project=app&granularity=day&split=model&timezone=UTC&model=Opus";
  assert.deepEqual(narrowed(route), { period: "week", project: "app", model: "Opus" });
  assert.deepEqual(narrowed(route, { from: "a", to: "b", model: "x" }), { from: "a", to: "b", project: "app", model: "x" });
  assert.deepEqual(narrowed("/api/stats/sessions/1"), {});
});

const at = (text: string): number => Date.parse(text);

test("the time before a calendar period is the calendar period before", () => {
  const march = { from: at("2026-03-01T00:00:00+01:00"), to: at("2026-04-01T00:00:00+02:00") };
  assert.deepEqual(before(march, "month", false, "Europe/Berlin"), { from: at("2026-02-01T00:00:00+01:00"), to: march.from });
  assert.ok(isCalendar(march, "month", "Europe/Berlin") && !isCalendar(march, "month", "UTC"));
  assert.equal(before(march, "all", false, "UTC"), null);
});

test("the neighbour of a range of one's own is as long as it", () => {
  const range = { from: at("2026-11-03T00:00:00Z"), to: at("2026-11-06T00:00:00Z") };
  assert.deepEqual(neighbour(range, "week", true, "UTC", 1), { from: range.to, to: at("2026-11-09T00:00:00Z") });
});

test("an hour starts when the zone's clocks say so, also half an hour beside UTC's", () => {
  const now = at("2026-11-26T14:47:12.345Z");
  const hour = (zone: string): string => new Date(spanNow({ ...DEFAULTS, period: "hour" }, now, zone)?.from ?? 0).toISOString();
  assert.deepEqual(["UTC", "Asia/Kolkata", "Asia/Kathmandu"].map(hour), ["2026-11-26T14:00:00.000Z", "2026-11-26T14:30:00.000Z", "2026-11-26T14:15:00.000Z"]);
});

test("a week starts on Monday of the zone", () => {
  const span = spanNow(DEFAULTS, at("2026-11-29T23:30:00Z"), "Europe/Berlin");
  assert.deepEqual(span, { from: at("2026-11-30T00:00:00+01:00"), to: at("2026-12-07T00:00:00+01:00") });
  assert.equal(spanWords(span ?? { from: 0, to: 0 }, "Europe/Berlin"), "30 Nov – 6 Dec");
  assert.equal(spanWords({ from: at("2026-11-01T00:00:00Z"), to: at("2027-02-01T00:00:00Z") }, "UTC"), "1 Nov 2026 – 31 Jan 2027");
});

test("a saved file names only the filters that mean something for what it shows", () => {
  const state = { ...DEFAULTS, session: "s1", branch: "main", model: "Opus", account: "ann" };
  const told = (view: typeof state.view, session = "s1"): string => scope({ ...state, view, session }, "today", "shop/web", "UTC").join(", ");
  assert.equal(told("projects"), "session s1, UTC");
  assert.equal(told("projects", ""), "today, shop/web, main, Opus, ann, UTC");
  assert.equal(told("now"), "today, shop/web, main, Opus, ann, UTC");
  assert.equal(told("sources"), "UTC");
});

test("days without a call have their place on an axis", () => {
  const between = ["2026-10-24", "2026-10-25", "2026-10-26"];
  assert.deepEqual(withDaysBetween(["2026-10-24", "2026-10-26"], "Europe/Berlin"), between, "one of them has 25 hours");
  assert.deepEqual(withDaysBetween([], "UTC"), []);
  // Samoa never had the 30th.
  assert.deepEqual(withDaysBetween(["2011-12-28", "2011-12-31", "2012-01-02"], "Pacific/Apia"), ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01", "2012-01-02"]);
  // In Beirut the 29th began at one o'clock.
  assert.deepEqual(withDaysBetween(["2026-03-28", "2026-03-30"], "Asia/Beirut"), ["2026-03-28", "2026-03-29", "2026-03-30"]);
  assert.deepEqual(withDaysBetween(["2026-10-24", "unknown"], "UTC"), ["2026-10-24", "unknown"]);
  const far = ["2026-10-24", "9999-12-31"];
  assert.deepEqual(withDaysBetween(far, "UTC"), far, "a call of the year 9999 makes no axis of millions of days");
});
