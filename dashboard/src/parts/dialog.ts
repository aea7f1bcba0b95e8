// The dialog: “where from?” and help. One at a time, closed by Escape, focus goes back to where it came from.
// Must not: draw views.

import { get, path } from "../api.ts";
import type { Where } from "../page.ts";
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
  open("Where from?",
    h("p", { class: "asked" }, told.title),
    h("p", { class: "exact" }, told.value),
    h("p", null, told.says),
    h("p", { class: "muted" }, "The question: ", h("code", null, `GET ${told.route}`)),
    doors.length > 1 ? h("div", { class: "doors" }, "Explain: ", doors.map((door) => button(door.label, () => void tell(deeper, door.what, zone, []), { class: "small" }))) : null,
    deeper,
  );
  const [first] = doors;
  if (first) void tell(deeper, first.what, zone, []);
}

/** What is behind a day, a session, a call, a project; with the way back. */
async function tell(into: HTMLElement, what: string, zone: string, trail: readonly string[]): Promise<void> {
  const back = trail[trail.length - 1];
  const head = h("p", { class: "trail" },
    back === undefined ? null : button([icon(ICONS.left), "Back"], () => void tell(into, back, zone, trail.slice(0, -1)), { class: "small" }),
    h("code", null, `cco explain ${/^[\w./#-]+$/.test(what) ? what : JSON.stringify(what)}`));
  fill(into, head, h("p", { class: "muted", role: "status" }, "Asking…"));
  into.dataset["what"] = what;
  try {
    const answer = await get<unknown>("/api/explain", { what, timezone: zone });
    if (into.dataset["what"] !== what) return;
    fill(into, head, explained(answer, zone, (next) => void tell(into, next, zone, [...trail, what])));
  } catch (error) {
    fill(into, head, failed(problemOf(error), () => void tell(into, what, zone, trail)));
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
