// What a view is, and what it is given: the seam between the frame and the views.
// Must not: draw or fetch.

import type { CsvCell } from "./csv.ts";
import type { Query, State, ViewKey } from "./state.ts";

/** Where a number comes from. */
export interface Where {
  /** What the number is: “Cost, today”. */
  title: string;
  /** The number with all its places. */
  value: string;
  /** Which calls are added up, in a sentence. */
  says: string;
  /** The question that gave it. */
  route: string;
  /** What `/api/explain` can tell more of. The first is shown at once. */
  explain?: readonly Door[];
}

/** A day, session, project or call; without `what`, all calls that are meant. Only those that the filters of the route let through, and these. */
export interface Door {
  label: string;
  what?: string;
  within?: Query;
}

/** What of a view goes into files. */
export type SheetPart =
  | { kind: "figures"; title: string; items: readonly { label: string; value: string; exact: CsvCell }[] }
  | { kind: "table"; title: string; header: readonly string[]; rows: readonly (readonly CsvCell[])[]; texts: readonly (readonly string[])[]; isNumber: readonly boolean[] }
  | { kind: "picture"; title: string; canvas: () => HTMLCanvasElement | null; legend: readonly { label: string; colour: string }[] };

export interface Page {
  readonly state: State;
  /** Of times on this page; its name, or `""` where nobody told one yet: the browser's own. */
  readonly zone: string;
  readonly now: number;
  /** What is drawn puts here what of it can be saved. */
  readonly sheet: SheetPart[];
  /** What the project of this path is called, told apart from its namesakes. */
  called(path: string): string;
  set(patch: Partial<State>): void;
  where(where: Where): void;
  /** Asks again, and draws. */
  again(): void;
  tell(text: string): void;
}

export type FilterKey = "period" | "project" | "model" | "account" | "granularity" | "find" | "zone";

export interface Outline {
  /** In the list of views, and above the view. */
  readonly name: string;
  readonly title: string;
  /** Filters that mean something there. */
  readonly uses: readonly FilterKey[];
}

/** What the frame shows of each view before anything of the view itself is there. */
export const OUTLINES: Readonly<Record<ViewKey, Outline>> = {
  now: { name: "Now", title: "Now", uses: ["project", "model", "account", "zone"] },
  cost: { name: "Cost", title: "Cost", uses: ["period", "granularity", "project", "model", "account", "zone", "find"] },
  projects: { name: "Projects", title: "Projects", uses: ["period", "project", "model", "account", "zone", "find"] },
  heatmap: { name: "Heatmap", title: "Heatmap", uses: ["period", "project", "model", "account", "zone"] },
  cache: { name: "Cache", title: "Cache", uses: ["period", "project", "model", "account", "zone", "find"] },
  tools: { name: "Tools", title: "Tools and agents", uses: ["period", "project", "model", "account", "zone", "find"] },
  sources: { name: "Sources", title: "Sources", uses: ["find", "zone"] },
};

/** Filters that mean something for what is shown. A session is shown whole. */
export const usesOf = ({ view, session }: State): readonly FilterKey[] =>
  view === "projects" && session ? ["zone", "find"] : OUTLINES[view].uses;

/** The state that its words are of: Now tells of today, whatever period is chosen elsewhere. */
export const onDay = (state: State): State => (state.view === "now" ? { ...state, period: "day", from: "" } : state);

/** What the numbers of a view are of, in words: what is shown, and only the filters that mean something for it. */
export function scope(state: State, time: string, project: string, zone: string): string[] {
  const { view, session, branch, model, account } = state;
  const uses = usesOf(state);
  const words = [
    uses.includes("period") || view === "now" ? time : "",
    view === "projects" && session ? `session ${session}` : "",
    ...(uses.includes("project") ? [project, branch] : []),
    uses.includes("model") ? model : "",
    uses.includes("account") ? account : "",
    zone,
  ];
  return words.filter(Boolean);
}

export interface View<T> {
  readonly key: ViewKey;
  /** The zone is the one that times are shown in; at first it is asked for at the same time. */
  load(state: State, signal: AbortSignal, zone: Promise<string>): Promise<T>;
  /** Whether there is nothing at all to show. */
  isEmpty(data: T): boolean;
  /** The zone that the answer is told in, where it says so. */
  zone(data: T): string | null;
  draw(data: T, page: Page): Node[];
}
