// What stands where data would: loading, nothing yet, an error, no token.
// Must not: try again by itself.

import { Problem } from "../api.ts";
import type { Page } from "../page.ts";
import { UNFILTERED, chosen } from "../state.ts";
import { button, fill, h } from "./dom.ts";

/** Grey shapes where numbers will be. */
export function loading(): HTMLElement {
  const shape = (name: string): HTMLElement => h("div", { class: `shape ${name}` });
  return h("div", { class: "loading", role: "status", attrs: { "aria-label": "Loading" } },
    h("div", { class: "row" }, shape("tile"), shape("tile"), shape("tile"), shape("tile")), shape("tall"), shape("tall"));
}

/** A sentence of the API begins small; on the page it stands alone. */
const sentence = (text: string): string => text.replace(/^[a-z]/, (first) => first.toUpperCase());

/** Text with `commands` in it set apart. */
export function withCommands(text: string): (string | HTMLElement)[] {
  return text.split("`").map((part, at) => (at % 2 ? h("code", null, part) : part));
}

/** Nothing is there: for the filters, for the time, or at all (`isNew`). */
export function empty(page: Page, isNew: boolean): HTMLElement {
  if (!isNew && chosen(page.state).length > 0) return nothing(page);
  if (!isNew) {
    return h("div", { class: "state" },
      h("h2", null, "No calls in this time"),
      h("p", null, "There are calls, but none of them is of the chosen time."),
      button("All time", () => page.set({ period: "all", from: "", to: "", granularity: "" }), { class: "primary" }));
  }
  return h("div", { class: "state" },
    h("h2", null, "No calls yet"),
    h("p", null, "The ledger holds no call. Use Claude Code, and numbers appear here by themselves."),
    h("p", { class: "muted" }, withCommands("Used it already? Sources says where transcripts are looked for; `cco doctor` checks everything.")),
  );
}

/** The filters let no call through, and the way out. */
export function nothing(page: Page): HTMLElement {
  const { state } = page;
  return h("div", { class: "state", role: "status" },
    h("h2", null, "The filters match nothing"),
    h("p", null, "No call has ", chosen(state).map((key, at) => [at > 0 ? " and " : "", `${key} `, h("strong", null, state[key])]), state.period === "all" && !state.from ? "." : " in the chosen time."),
    h("p", { class: "muted" }, "Is a name misspelt? The menus above hold all that there are."),
    h("div", { class: "doors" }, button("Clear the filters", () => page.set(UNFILTERED), { class: "primary" }),
      state.period !== "all" || state.from ? button("All time", () => page.set({ period: "all", from: "", to: "", granularity: "" })) : null),
  );
}

/** What the address says that means nothing, in a line. */
export function mistaken(mistakes: readonly string[], tidy: () => void): HTMLElement {
  return h("p", { class: "mistaken", role: "status" },
    h("span", null, "The address says ", mistakes.slice(0, 5).map((one, at) => [at > 0 ? ", " : "", h("code", null, one)]), mistakes.length > 5 ? " and more" : "", ", which means nothing here and is left out."),
    button("Tidy it", tidy, { class: "small quiet" }));
}

/** `clear` takes filters away that may be what is wrong. */
export function failed(problem: Problem, again: () => void, clear?: () => void): HTMLElement {
  return h("div", { class: "state bad", role: "alert" },
    h("h2", null, problem.title),
    problem.detail ? h("p", null, withCommands(sentence(problem.detail))) : null,
    problem.hint ? h("p", { class: "hint" }, withCommands(sentence(problem.hint))) : null,
    clear ? button("Clear the filters", clear, { class: "primary" }) : button("Try again", again, { class: "primary" }),
  );
}

const COMMAND = "cco dashboard";

/** Nobody knows who asks; asking again helps only where nobody answered. */
export function gate(why: Problem | null, again: () => void): HTMLElement {
  const copied = h("span", { class: "muted", role: "status" });
  const copy = async (): Promise<void> => {
    try {
      // Of a page of another machine there is no clipboard: the promise of it fails too.
      await navigator.clipboard.writeText(COMMAND);
      fill(copied, "Copied.");
    } catch {
      fill(copied, "It cannot be copied here; type it.");
    }
  };
  return h("main", { class: "gate", id: "main" },
    h("div", { class: "state" },
      h("h1", null, "cco"),
      h("p", null, "This page shows what Claude Code did on a machine, so it opens only by a link that is made there, and works once."),
      h("p", { class: "command" }, "Run ", h("code", null, COMMAND), " in a terminal of that machine."),
      why?.detail ? h("p", { class: "muted" }, withCommands(sentence(why.detail))) : null,
      why?.kind === "network" ? button("Try again", again, { class: "primary" }) : button("Copy the command", () => void copy(), { class: "primary" }),
      copied,
    ),
  );
}

/** Anything thrown, as a problem. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("answer", "This view cannot be drawn", error instanceof Error ? error.message : "unknown", "Reload the page; if it comes again, `cco doctor` helps to report it.");
}
