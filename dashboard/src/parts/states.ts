// What stands where data would: loading, nothing yet, an error, no token.
// Must not: try again by itself.

import { Problem } from "../api.ts";
import { button, h } from "./dom.ts";

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

export function empty(): HTMLElement {
  return h("div", { class: "state" },
    h("h2", null, "No calls yet"),
    h("p", null, "The ledger holds no call that these filters let through. Use Claude Code, and numbers appear here by themselves."),
    h("p", { class: "muted" }, withCommands("Used it already? Sources says where transcripts are looked for; `cco doctor` checks everything.")),
  );
}

export function failed(problem: Problem, again: () => void): HTMLElement {
  return h("div", { class: "state bad", role: "alert" },
    h("h2", null, problem.title),
    problem.detail ? h("p", null, withCommands(sentence(problem.detail))) : null,
    problem.hint ? h("p", { class: "hint" }, withCommands(sentence(problem.hint))) : null,
    button("Try again", again, { class: "primary" }),
  );
}

/** Nobody knows who asks. */
export function gate(why: Problem | null, again: () => void): HTMLElement {
  return h("main", { class: "gate", id: "main" },
    h("div", { class: "state" },
      h("h1", null, "cco"),
      h("p", null, "This page shows what is on this machine, so it opens only from it."),
      h("p", { class: "command" }, "Run ", h("code", null, "cco dashboard"), " in a terminal."),
      why?.detail ? h("p", { class: "muted" }, withCommands(sentence(why.detail))) : null,
      button("Try again", again, { class: "primary" }),
    ),
  );
}

/** Anything thrown, as a problem. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem("answer", "This view cannot be drawn", error instanceof Error ? error.message : "unknown", "Reload the page; if it comes again, `cco doctor` helps to report it.");
}
