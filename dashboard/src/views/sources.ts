// Sources: where the numbers come from, and how the daemon is.
// Must not: change anything but by the two buttons that say so.

import { type Problem, get, health, post } from "../api.ts";
import { bytes, count } from "../format.ts";
import type { Page, View, Where } from "../page.ts";
import { type Child, button, h, pathText } from "../parts/dom.ts";
import { age, badge, card, number } from "../parts/figure.ts";
import { problemOf, withCommands } from "../parts/states.ts";
import { table } from "../parts/table.ts";
import type { State } from "../state.ts";
import type { Health, Root, Sources } from "../types.ts";

interface Data { sources: Sources; health: Health; off: Problem | null }

export const sources: View<Data> = {
  key: "sources",
  async load(_state: State, signal: AbortSignal): Promise<Data> {
    const [told, how, off] = await Promise.all([get<Sources>("/api/sources", {}, signal), health<Health>(signal), whyOff(signal)]);
    return { sources: told, health: how, off };
  },
  isEmpty: () => false,
  // The zone that the ledger names is the one of its roll-ups, not of people.
  zone: () => null,
  draw(data: Data, page: Page): Node[] {
    return [roots(page, data.sources), h("div", { class: "split" }, ledger(page, data.sources), checks(page, data.health, data.off))];
  },
};

/** Statistics that are turned off are no fault of the daemon, so that its health does not tell. */
const whyOff = (signal: AbortSignal): Promise<Problem | null> =>
  get("/api/stats", { period: "hour" }, signal).then(() => null, (error: unknown) => { const why = problemOf(error); return why.isOff ? why : null; });

const where = (title: string, value: string, says: string): Where => ({ title, value, says, route: "/api/sources" });

function roots(page: Page, told: Sources): HTMLElement {
  const hasMore = told.elsewhere.transcripts + told.elsewhere.gone > 0;
  const isOf = (row: Root): string => row.path || "folders that are not looked in any more";
  return card("Transcripts", [scan(page)], table(page, {
    title: "Transcripts", rows: hasMore ? [...told.roots, told.elsewhere] : told.roots, empty: "No folder with transcripts was found. `cco doctor` says where it was looked.",
    columns: [
      { label: "Folder", kind: "text", value: isOf, cell: (row) => [h("span", { class: row.path ? "name path" : "muted", title: row.path }, row.path ? pathText(row.path) : isOf(row)), row.usable || !row.path ? null : [" ", badge("cannot be read", "bad")]] },
      { label: "Files", kind: "count", value: (row) => row.transcripts, where: (row) => where(`Transcripts under ${isOf(row)}`, count(row.transcripts), "Files that are there now.") },
      { label: "Gone", kind: "count", value: (row) => row.gone, wide: true, where: (row) => where(`Transcripts that were under ${isOf(row)}`, count(row.gone), "Files that were read and are gone; their calls stay counted.") },
      { label: "Size", kind: "count", value: (row) => row.bytes, wide: true, cell: (row) => h("span", { title: `${count(row.bytes)} bytes` }, bytes(row.bytes)) },
      { label: "Skipped rows", kind: "count", value: (row) => row.skipped_rows, wide: true, where: (row) => where(`Rows skipped under ${isOf(row)}`, count(row.skipped_rows), "Rows that do not count: without a time, or with impossible counts.") },
      { label: "Damaged", kind: "count", value: (row) => row.damaged_lines, where: (row) => where(`Damaged lines under ${isOf(row)}`, count(row.damaged_lines), "Lines that are no JSON. They are left out and counted.") },
      { label: "Last event", kind: "age", value: (row) => row.last_event },
    ],
  }));
}

/** A button that has something done and says what came of it. */
function doing(page: Page, label: string, work: () => Promise<string>): HTMLElement {
  const door = button(label, () => {
    door.disabled = true;
    work().then(page.tell, (error: unknown) => { const why = problemOf(error); page.tell([why.title, why.detail, why.hint].filter(Boolean).join(". ")); })
      .finally(() => { door.disabled = false; page.again(); });
  }, { class: "small" });
  return door;
}

function scan(page: Page): HTMLElement {
  return doing(page, "Scan now", async () => {
    const done = await post<{ files: number; files_read: number; calls_new: number; damaged_lines: number }>("/api/scan");
    return `${count(done.files_read)} of ${count(done.files)} files had something new: ${count(done.calls_new)} calls.`;
  });
}

function refresh(page: Page): HTMLElement {
  return doing(page, "Ask for limits now", async () => {
    const done = await post<{ asked: string[]; not_asked: string[]; faults: string[] }>("/api/limits/refresh");
    if (done.faults.length > 0) return done.faults.join("; ");
    if (done.asked.length > 0) return `Asked for ${done.asked.join(", ")}.`;
    return done.not_asked.length > 0 ? `It is too early to ask again for ${done.not_asked.join(", ")}.` : "Nobody was asked. `cco limits` says why, and what to do.";
  });
}

function ledger(page: Page, { ledger: of, prices, watcher, broker }: Sources): HTMLElement {
  const fact = (label: string, ...value: Child[]): HTMLElement => h("div", null, h("dt", null, label), h("dd", null, value));
  page.sheet.push({ kind: "figures", title: "Ledger", items: [
    { label: "Calls", value: count(of.calls), exact: of.calls }, { label: "Size", value: bytes(of.bytes), exact: of.bytes }, { label: "Price list", value: prices.list, exact: prices.list },
  ] });
  return card("Ledger and limits", refresh(page), h("dl", { class: "facts" },
    fact("Ledger", h("span", { class: "path" }, of.path === null ? "in memory only" : pathText(of.path))),
    fact("Calls", number(page, count(of.calls), where("Calls in the ledger", count(of.calls), `All calls of all time, each once. The ledger's sequence is ${of.seq}.`))),
    fact("Size", h("span", { title: `${count(of.database_bytes)} bytes of ledger.db, ${count(of.log_bytes)} of its log, ${count(of.journal_bytes)} of ledger.journal` }, bytes(of.bytes))),
    fact("Keeps sums of days in", of.zone),
    fact("Price list", prices.list),
    fact("Transcripts are", watcher.mode === "polling" ? badge("looked at now and then", "warn", { title: "The system's events cannot be had; changes are noticed later" }) : "watched", watcher.since ? [", since ", age(page, watcher.since)] : null),
    fact("The service last told limits", age(page, broker.last_success)),
    fact("Asking it last failed", age(page, broker.last_failure), broker.last_failure_reason ? `: ${broker.last_failure_reason}` : null),
  ));
}

function checks(page: Page, how: Health, off: Problem | null): HTMLElement {
  const list = how.checks ?? [];
  page.sheet.push({ kind: "table", title: "Daemon", header: ["part", "ok", "detail", "at"], isNumber: [false, false, false, false],
    rows: list.map((check) => [check.name, check.ok ? "yes" : "no", check.detail, check.at]), texts: list.map((check) => [check.name, check.ok ? "ok" : "failing", check.detail, check.at]) });
  return card("Daemon", how.status !== "ok" ? badge("failing", "bad") : off ? badge("statistics are off", "warn") : badge("all well", "good"),
    h("ul", { class: "checks" }, off ? h("li", null, badge("off", "warn"), h("span", null, h("strong", null, "statistics"), h("small", { class: "muted" }, withCommands(off.hint)))) : null, list.map((check) => h("li", null, badge(check.ok ? "ok" : "failing", check.ok ? "good" : "bad"), h("span", null, h("strong", null, check.name), h("small", { class: "muted" }, withCommands(check.detail))), age(page, check.at)))));
}
