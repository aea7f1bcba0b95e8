// The dialog: “where from?” and help. One at a time, closed by Escape, focus goes back to where it came from.
// Must not: draw views.

import { get, path } from "../api.ts";
import { inShell } from "../names.ts";
import type { Door, Where } from "../page.ts";
import { type Query, narrowed } from "../state.ts";
import { type Child, ICONS, button, fill, h, icon } from "./dom.ts";
import { explained } from "./explained.ts";
import { failed, problemOf } from "./states.ts";

let dialog: HTMLDialogElement | null = null;

/** Shows something over the page. */
export function open(title: string, ...body: Child[]): HTMLElement {
  if (!dialog) {
    dialog = h("dialog", { attrs: { "aria-labelledby": "dialog-title" } });
    const element = dialog;
    element.addEventListener("click", (event) => { if (event.target === element) element.close(); });
    document.body.append(element);
  }
  const inside = h("div", { class: "dialog-body" }, body);
  fill(dialog, h("header", null, h("h2", { id: "dialog-title" }, title),
    button(icon(ICONS.close), () => dialog?.close(), { class: "quiet square", attrs: { "aria-label": "Close" } })), inside);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  return inside;
}

export const isOpen = (): boolean => dialog?.open === true;

/** Says where a number comes from, as deep as asked. */
export function where(told: Where, zone: string): void {
  const deeper = h("div", { class: "deeper" });
  const doors = told.explain ?? [];
  const enter = (door: Door): void => void tell(deeper, { ...(door.what ? { what: door.what } : {}), ...narrowed(told.route, door.within) }, zone, []);
  open("Where from?",
    h("p", { class: "asked" }, told.title),
    h("p", { class: "exact" }, told.value),
    h("p", null, told.says),
    h("p", { class: "muted" }, "The question: ", h("code", null, `GET ${told.route}`)),
    doors.length > 1 ? h("div", { class: "doors" }, "Explain: ", doors.map((door) => button(door.label, () => enter(door), { class: "small" }))) : null,
    deeper,
  );
  const [first] = doors;
  if (first) enter(first);
}

/** The question in words that can be asked again: as a command, where that knows it. */
function asked({ what, ...within }: Query): string {
  if (what === undefined || Object.keys(within).length > 0) return `GET ${path("/api/explain", { ...(what === undefined ? {} : { what }), ...within })}`;
  return `cco explain ${inShell(what)}`;
}

/** Of a call nothing can be left out. */
const next = (what: string, { what: _, ...within }: Query): Query => (/^(#|msg_|req_)/.test(what) ? { what } : { ...within, what });

/** What is behind a day, a session, a call, a project, a time; with the way back. */
async function tell(into: HTMLElement, query: Query, zone: string, trail: readonly Query[]): Promise<void> {
  const back = trail[trail.length - 1];
  const words = asked(query);
  const head = h("p", { class: "trail" },
    back === undefined ? null : button([icon(ICONS.left), "Back"], () => void tell(into, back, zone, trail.slice(0, -1)), { class: "small" }),
    h("code", null, words));
  fill(into, head, h("p", { class: "muted", role: "status" }, "Asking…"));
  into.dataset["asked"] = words;
  try {
    const answer = await get<unknown>("/api/explain", { ...query, timezone: zone });
    if (into.dataset["asked"] !== words) return;
    fill(into, head, explained(answer, zone, (what) => void tell(into, next(what, query), zone, [...trail, query])));
  } catch (error) {
    fill(into, head, failed(problemOf(error), () => void tell(into, query, zone, trail)));
  }
}

/** Keys, and what numbers mean. */
export function help(): void {
  const key = (name: string, does: string): HTMLElement => h("div", null, h("dt", null, h("kbd", null, name)), h("dd", null, does));
  open("Help",
    h("dl", { class: "keys" },
      key("1 – 7", "Views"), key("/", "Find rows"), key("[ ]", "Earlier, later"), key("t", "Light, dark, as the system"),
      key("r", "Ask again"), key("?", "This help"), key("Esc", "Close")),
    h("h3", null, "What the numbers mean"),
    h("p", null, "Amounts are API value: what the calls would cost at the public prices of the API on their day. A plan is paid otherwise."),
    h("p", null, "Each number opens “where from?”: the exact amount, the calls behind it, and the question that gave it."),
    h("p", { class: "muted" }, "The same in a terminal: ", h("code", null, "cco --help"), ". For programs: ", h("code", null, path("/api/openapi.json")), "."),
  );
}
