import assert from "node:assert/strict";
import { test } from "node:test";

import { civil, dateOf, instantOf, startOfDate, stepped } from "../src/civil.ts";
import { ago, bytes, change, count, isZone, lasting, markOf, money, moneyAxis, moneyExact, moment, perCallText, savedWords, share, spoken, tokens } from "../src/format.ts";
import { inShell, lastPart, linkTarget, projectNames, shown, steps } from "../src/names.ts";

test("money has cents, and says that less than a cent is not nothing", () => {
  assert.deepEqual([0, 0.000000001, 0.00999, 0.01, 1.005, 0.995, 12.45, 1234.5, 99_999.99, 123_456.7, -3.2, NaN].map((usd) => money(usd)),
    ["$0.00", "<$0.01", "<$0.01", "$0.01", "$1.01", "$1.00", "$12.45", "$1,234.50", "$99,999.99", "$123,457", "−$3.20", "–"]);
});

test("amounts at an axis have as many places, each", () => {
  assert.deepEqual(moneyAxis([0, 0.05, 0.1, 0.15]), ["$0.00", "$0.05", "$0.10", "$0.15"]);
  assert.deepEqual(moneyAxis([0, 0.2, 0.4]), ["$0.00", "$0.20", "$0.40"]);
  assert.deepEqual(moneyAxis([0, 0.0025, 0.005]), ["$0.0000", "$0.0025", "$0.0050"]);
  assert.deepEqual(moneyAxis([0, 100, 200]), ["$0", "$100", "$200"]);
});

test("a command that is offered means the same to a shell", () => {
  assert.deepEqual(["2026-11-27", "/home/ann/web", "#1301", "~/web", "it's", "$(reboot)", "two words"].map(inShell),
    ["2026-11-27", "/home/ann/web", "'#1301'", "'~/web'", "'it'\\''s'", "'$(reboot)'", "'two words'"]);
});

test("what a call costs has tenths of a cent where it is less than a dollar", () => {
  assert.deepEqual([0, 0.0004, 0.0005, 0.0123, 0.9994, 1, 12.456].map(perCallText), ["$0.00", "<$0.01", "$0.001", "$0.012", "$0.999", "$1.00", "$12.46"]);
});

test("what was saved is said in words where calls have no price", () => {
  assert.deepEqual([savedWords(3.21, ""), savedWords(0.004, "+?"), savedWords(0, "?")], ["$3.21 saved", "<$0.01 saved, by calls with a price", "saved: unknown, no price"]);
});

test("exact money has up to nine places and never an exponent", () => {
  assert.deepEqual([0, 1, 0.000000001, 12.450000001, 1_234_567.000000125, -0.5].map((usd) => moneyExact(usd)),
    ["$0.00", "$1.00", "$0.000000001", "$12.450000001", "$1,234,567.000000125", "−$0.50"]);
});

test("what has no price is marked as commands mark it, and never free", () => {
  assert.deepEqual([markOf(3, 0), markOf(3, 1), markOf(3, 3), markOf(0, 0)], ["", "+?", "?", ""]);
  assert.deepEqual([money(5.03, markOf(2, 1)), money(0, markOf(2, 2)), money(0, markOf(2, 1))], ["$5.03+?", "?", "$0.00+?"]);
  assert.deepEqual([moneyExact(5.034, "+?"), moneyExact(0, "?")], ["$5.034, and calls without a price", "unknown: no price"]);
  assert.deepEqual(["$5.03", "$5.03+?", "?"].map(spoken), ["$5.03", "$5.03 and calls without a price", "unknown, no price"]);
});

test("numbers stand in groups of three digits, and what is none is a dash", () => {
  assert.deepEqual([0, 999, 1000, 12_345, 1_234_567, -1000, 950.25, NaN].map(count), ["0", "999", "1,000", "12,345", "1,234,567", "-1,000", "950.25", "–"]);
});

test("a zone is one that the browser knows", () => {
  assert.deepEqual(["UTC", "Europe/Berlin", "Europe/Atlantis", ""].map(isZone), [true, true, false, false]);
});

test("tokens never round up to a thousand of a unit", () => {
  assert.deepEqual([0, 950, 999, 1000, 15_234, 99_949, 99_950, 152_400, 999_499, 999_600, 1_234_567, 2.5e9, 7e12].map(tokens),
    ["0", "950", "999", "1.0k", "15.2k", "99.9k", "100k", "152k", "999k", "1.0M", "1.2M", "2.5B", "7.0T"]);
  assert.deepEqual([204.333, 9.96, 0.44].map(tokens), ["204", "10", "0.4"], "a rate");
});

test("a share is 0 or 100 percent only when it is", () => {
  assert.deepEqual([null, 0, 0.0001, 0.42, 0.9999, 1].map((part) => share(part, 1)), ["–", "0.0%", "<0.1%", "42.0%", ">99.9%", "100.0%"]);
});

test("a change needs something to compare with", () => {
  assert.deepEqual([change(3, 0), change(110, 100), change(50, 100), change(100.1, 100), change(0, 5)], [null, "+10%", "−50%", "±0%", "−100%"]);
});

test("times are told in their two largest units, and those ahead are not ago", () => {
  assert.deepEqual([4_000, 59_999, 3_600_000, 7_800_000, 90_000_000].map(lasting), ["4 s", "59 s", "1 h", "2 h 10 min", "1 d 1 h"]);
  assert.deepEqual([0, 12_000, 180_000, 7_800_000, 172_800_000, -60_000].map((ms) => ago(1e12 - ms, 1e12)),
    ["just now", "12 s ago", "3 min ago", "2 h ago", "2 d ago", "in 1 min"]);
});

test("bytes have the unit that fits", () => {
  assert.deepEqual([0, 999, 1000, 48_234_496, 2_914_233_110].map(bytes), ["0 B", "999 B", "1.0 kB", "48.2 MB", "2.9 GB"]);
});

test("a moment of another day names the day, in the zone", () => {
  const now = Date.parse("2026-11-26T23:30:00Z");
  assert.equal(moment(now - 60_000, now, "Europe/Berlin"), "00:29");
  assert.equal(moment(now - 3_600_000, now, "Europe/Berlin"), "26 Nov 23:30");
});

test("a day starts at its zone's midnight, also when clocks change", () => {
  const start = startOfDate("2026-10-25", "Europe/Berlin") ?? 0;
  assert.equal(new Date(start).toISOString(), "2026-10-24T22:00:00.000Z");
  assert.equal(stepped(start, "day", 1, "Europe/Berlin") - start, 25 * 3_600_000);
  assert.equal(stepped(Date.parse("2026-03-29T00:00:00+01:00"), "day", 1, "Europe/Berlin") - Date.parse("2026-03-29T00:00:00+01:00"), 23 * 3_600_000);
  assert.equal(dateOf(start - 1, "Europe/Berlin"), "2026-10-24");
  assert.equal(startOfDate("26.11.2026", "UTC"), null);
});

test("months and years step over their ends", () => {
  const start = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(new Date(stepped(start, "month", -1, "UTC")).toISOString(), "2025-12-01T00:00:00.000Z");
  assert.equal(new Date(stepped(start, "week", 1, "UTC")).toISOString(), "2026-01-08T00:00:00.000Z");
});

test("every instant goes to civil time and back in zones of all kinds", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham"]) {
    for (let at = Date.parse("2026-01-01T00:15:00Z"); at < Date.parse("2027-01-01T00:00:00Z"); at += 86_400_000 * 3 + 3_600_000) {
      const back = instantOf(civil(at, zone), zone);
      // An hour that comes twice has two instants.
      assert.deepEqual(civil(back, zone), civil(at, zone), `${zone} ${new Date(at).toISOString()}`);
    }
  }
});

test("what cannot be seen in a name is written out", () => {
  assert.equal(shown("\u202Egnp.exe"), "⟨U+202E⟩gnp.exe");
  assert.equal(shown("pay\u200Bpal\u2066x\uFEFF"), "pay⟨U+200B⟩pal⟨U+2066⟩x⟨U+FEFF⟩");
  assert.equal(shown("a\nb\u2028c\u0000"), "a⟨U+000A⟩b⟨U+2028⟩c⟨U+0000⟩");
  assert.equal(shown("\u{e0041}tag \ud800"), "⟨U+E0041⟩tag ⟨U+D800⟩");
});

test("letters that pass for Latin ones are written out, whole words of other scripts are not", () => {
  assert.equal(shown("раypal"), "⟨U+0440⟩⟨U+0430⟩ypal");
  assert.equal(shown("проект и dépôt, 日本語"), "проект и dépôt, 日本語");
});

test("only http, https and this page may be linked to", () => {
  for (const url of ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:text/html,x", "vscode://file/x", "//evil.example", "/\\evil.example", "blob:x", "https:", "\u0000https://x"]) {
    assert.equal(linkTarget(url), null, JSON.stringify(url));
  }
  for (const url of ["https://example.org/x", "http://x", "/?view=cost", "?view=now"]) assert.equal(linkTarget(url), url);
});

test("a project is called by the last part of its path", () => {
  assert.deepEqual(["/home/ann/code/app", "/a/b/", "C:\\work\\app", "app", "/"].map(lastPart), ["app", "b", "app", "app", "/"]);
});

test("a path is broken behind its slashes, and nothing of it is lost", () => {
  assert.deepEqual(["/home/ann/a-b", "//x\\y\\", "", "plain", "/"].map(steps), [["/", "home/", "ann/", "a-b"], ["//", "x\\", "y\\"], [], ["plain"], ["/"]]);
});

test("projects of one name are told apart by the folders they are in", () => {
  const names = (...paths: string[]) => { const of = projectNames(paths); return paths.map((path) => of.get(path)); };
  assert.deepEqual(names("/code/shop/web", "/code/blog/web", "/code/atlas"), ["shop/web", "blog/web", "atlas"]);
  assert.deepEqual(names("/x/a/web", "/y/a/web", "/y/b/web", "/y/b/web"), ["x/a/web", "y/a/web", "b/web", "b/web"]);
  assert.deepEqual(names("/web", "/a/web"), ["/web", "a/web"]);
  assert.deepEqual(names("C:\\code\\a\\web", "C:\\code\\b\\web"), ["a\\web", "b\\web"]);
  assert.deepEqual(names("", "/code/unknown", "/"), ["unknown", "code/unknown", "/"]);
  assert.deepEqual([names("/code/web"), names("/web")], [["web"], ["web"]]);
});
