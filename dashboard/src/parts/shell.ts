// The frame: the list of views, the head of a view, the line that says whether this is live.
// Must not: know what views show.

import { ago, clockTime, lasting } from "../format.ts";
import type { LiveState } from "../live.ts";
import { OUTLINES } from "../page.ts";
import { type State, type ViewKey, VIEWS, address } from "../state.ts";
import { theme } from "../theme.ts";
import { ICONS, button, fill, h, icon } from "./dom.ts";
import { withCommands } from "./states.ts";
import { type Sheet, savePng, saveCsv, tablesOf } from "./save.ts";

export interface Frame {
  root: HTMLElement;
  nav: HTMLElement;
  head: HTMLElement;
  filters: HTMLElement;
  /** What is wrong with the address. */
  notes: HTMLElement;
  banner: HTMLElement;
  body: HTMLElement;
  /** Whether this is live: beside the name, and in the head where there is no room for that. */
  pulse: HTMLElement;
  smallPulse: HTMLElement;
  toast: HTMLElement;
}

export function frame(): Frame {
  const nav = h("nav", { class: "views", attrs: { "aria-label": "Views" } });
  const head = h("div", { class: "head" });
  const filters = h("div", null);
  const banner = h("div", { class: "banner", role: "status", attrs: { hidden: true } });
  const body = h("div", { class: "body" });
  const [pulse, smallPulse] = [h("span", { class: "pulse" }), h("span", { class: "pulse only-phone" })];
  const notes = h("div", null);
  const toast = h("div", { class: "toast", role: "status", attrs: { hidden: true } });
  const main = h("main", { id: "main", attrs: { tabindex: -1 } }, banner, h("div", { class: "top" }, head, filters, notes), body,
    h("footer", { class: "page-foot" }, "Amounts are API value: what the calls would cost at the API's public prices. ", h("span", { class: "keys-note" }, "Keys: ", h("kbd", null, "?"))));
  const skip = button("Skip to the numbers", () => main.focus(), { class: "skip" });
  return { root: h("div", { class: "frame" }, skip, nav, main, toast), nav, head, filters, notes, banner, body, pulse, smallPulse, toast };
}

export interface Actions {
  set(patch: Partial<State>): void;
  help(): void;
  theme(): void;
  again(): void;
}

export function drawNav(frame: Frame, state: State, actions: Actions): void {
  const entry = (key: ViewKey, at: number): HTMLElement => {
    const element = h("a", { title: `${OUTLINES[key].name} (${at + 1})`, attrs: { "aria-current": key === state.view ? "page" : undefined, "data-keep": `view ${key}` }, on: {
      click: (event: MouseEvent) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        actions.set(openView(key));
      },
    } }, icon(ICONS[key]), h("span", null, OUTLINES[key].name), h("kbd", { attrs: { "aria-hidden": "true" } }, String(at + 1)));
    element.href = address({ ...state, ...openView(key) });
    return element;
  };
  const icons = { auto: ICONS.auto, light: ICONS.sun, dark: ICONS.moon };
  fill(frame.nav, h("div", { class: "brand" }, h("strong", null, "cco"), frame.pulse), h("div", { class: "links" }, VIEWS.map(entry)),
    h("div", { class: "nav-foot" },
      button([icon(icons[theme()]), h("span", null, `Theme: ${theme()}`)], actions.theme, { class: "quiet", title: "Light, dark, as the system (t)", attrs: { "data-keep": "theme" } }),
      button([h("kbd", null, "?"), h("span", null, "Help")], actions.help, { class: "quiet", attrs: { "aria-label": "Help" } })));
}

/** A view from its beginning, with the filters that stand. */
export const openView = (view: ViewKey): Partial<State> => ({ view, session: "", find: "" });

/** `sheet` gives what is on the page when it is saved, not when this was drawn. */
export function drawHead(frame: Frame, title: string, sheet: (() => Sheet) | null, actions: Actions, tell: (text: string) => void): void {
  document.title = `${title} – cco`;
  const files = sheet ? tablesOf(sheet()) : [];
  const menu = h("details", { class: "menu" },
    h("summary", { title: "Save as a file" }, icon(ICONS.save), h("span", null, "Save")),
    h("div", { class: "pop" },
      button("PNG of this view", () => { if (sheet) savePng(sheet()).catch((error: unknown) => tell(String(error))); }),
      files.map((file, at) => button(`CSV: ${file.title}`, () => saveCsv(title, (sheet && tablesOf(sheet())[at]) ?? file)))));
  menu.addEventListener("click", (event) => { if (event.target instanceof Element && event.target.closest(".pop button")) menu.open = false; });
  fill(frame.head, h("h1", null, title), frame.smallPulse,
    h("div", { class: "tools" }, button(icon(ICONS.again), actions.again, { class: "quiet square", title: "Ask again (r)", attrs: { "aria-label": "Ask again", "data-keep": "again" } }),
      files.length > 0 ? menu : null,
      button(icon(theme() === "dark" ? ICONS.moon : theme() === "light" ? ICONS.sun : ICONS.auto), actions.theme, { class: "quiet square only-phone", attrs: { "aria-label": `Theme: ${theme()}` } }),
      button("?", actions.help, { class: "quiet square only-phone", attrs: { "aria-label": "Help", "data-keep": "help" } })));
}

/** The dot, and the banner where the page is no longer true by itself. */
export function drawLive(frame: Frame, live: LiveState, now: number, zone: string, tryNow: () => void): void {
  const is = live.is === "lost" && now - live.since < 3_000 ? "connecting" : live.is;
  const words = { live: "live", connecting: "connecting", lost: "not live", refused: "no token" }[is];
  for (const [pulse, where] of [[frame.pulse, ""], [frame.smallPulse, "only-phone"]] as const) {
    pulse.className = `pulse ${is} ${where}`.trim();
    if (pulse.textContent !== words) pulse.textContent = words;
  }
  const isStale = is === "lost" && live.is === "lost";
  frame.root.classList.toggle("stale", isStale);
  frame.banner.hidden = !isStale;
  if (!isStale) return;
  const off = live.why?.isOff ? live.why : null;
  const why = off ? "Statistics are turned off." : live.isGone ? "The daemon does not answer" : live.hint === "stopping" ? "The daemon has stopped" : "Live updates are lost";
  const wait = live.tryAt - now;
  const text = off ? "" : `since ${clockTime(live.since, zone)}, ${ago(live.since, now)}. What you see is from before. ${wait > 0 ? `Trying again in ${lasting(wait + 999)}.` : "Trying now…"}`;
  if (frame.banner.dataset["why"] === why) {
    const line = frame.banner.querySelector(".since");
    if (line) line.textContent = text;
    return;
  }
  frame.banner.dataset["why"] = why;
  fill(frame.banner, h("p", null, h("strong", null, why, " "), h("span", { class: "since", attrs: { "aria-live": "off" } }, text), live.isGone ? [" ", h("code", null, "cco daemon start"), " starts it."] : null, off ? withCommands(off.hint) : null),
    button("Try now", tryNow, { class: "small" }));
}
