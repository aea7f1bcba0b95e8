// Projects, their branches, their sessions, and the calls of one: each a step deeper, with the way back.
// Must not: keep where one is anywhere but in the address.

import { get, path } from "../api.ts";
import { count, instant, lasting, moneyExact, plural, tokens } from "../format.ts";
import { UNKNOWN, named } from "../names.ts";
import type { Door, Page, View, Where } from "../page.ts";
import { type Child, button, h, pathText } from "../parts/dom.ts";
import { age, amount, badge, card, figures, marked, time } from "../parts/figure.ts";
import { type Column, table } from "../parts/table.ts";
import { type Query, type State, filters } from "../state.ts";
import type { Call, Project, Session, SessionPage, SessionStory, Totals } from "../types.ts";
import { MAIN_THREAD, pricedOf } from "./common.ts";

type Data =
  | { depth: "projects"; projects: Project[]; query: Query }
  | { depth: "project"; project: Project | null; page: SessionPage; query: Query }
  | { depth: "session"; story: SessionStory; query: Query };

const SESSIONS = 50;
const CALLS = 200;
/** How many pages are open: of sessions of a project, of calls of a session. */
const opened = new Map<string, number>();

export const projects: View<Data> = {
  key: "projects",
  async load(state: State, signal: AbortSignal): Promise<Data> {
    const query = filters(state);
    if (state.session) {
      return { depth: "session", story: await story(state.session, signal), query };
    }
    const list = get<{ projects: Project[] }>("/api/stats/projects", query, signal);
    if (!state.project) return { depth: "projects", projects: (await list).projects, query };
    const [known, page] = await Promise.all([list, sessions(query, signal)]);
    return { depth: "project", project: known.projects.find((one) => one.path === state.project || one.name === state.project || (state.project === UNKNOWN && one.path === "")) ?? null, page, query };
  },
  isEmpty: (data) => (data.depth === "projects" && data.projects.length === 0) || (data.depth === "project" && data.project === null && data.page.sessions.length === 0),
  zone: () => null,
  draw(data: Data, page: Page): Node[] {
    if (data.depth === "projects") return [crumbs(page, []), all(page, data.projects, data.query)];
    if (data.depth === "project") return project(page, data);
    return session(page, data.story);
  },
};

async function sessions(query: Query, signal: AbortSignal): Promise<SessionPage> {
  const key = JSON.stringify(query);
  let page = await get<SessionPage>("/api/stats/sessions", { ...query, limit: String(SESSIONS) }, signal);
  for (let more = opened.get(key) ?? 0; more > 0 && page.next_cursor; more--) {
    const next = await get<SessionPage>("/api/stats/sessions", { ...query, limit: String(SESSIONS), cursor: page.next_cursor }, signal);
    page = { sessions: [...page.sessions, ...next.sessions], next_cursor: next.next_cursor };
  }
  return page;
}

async function story(id: string, signal: AbortSignal): Promise<SessionStory> {
  const route = `/api/stats/sessions/${encodeURIComponent(id)}`;
  let told = await get<SessionStory>(route, { limit: String(CALLS) }, signal);
  for (let more = opened.get(id) ?? 0; more > 0 && told.next_cursor; more--) {
    const next = await get<SessionStory>(route, { limit: String(CALLS), cursor: told.next_cursor }, signal);
    told = { ...told, calls: [...told.calls, ...next.calls], next_cursor: next.next_cursor };
  }
  return told;
}

function crumbs(page: Page, steps: readonly { label: string; open: () => void }[]): HTMLElement {
  const all = { label: "Projects", open: () => page.set({ project: "", branch: "", session: "" }) };
  const path = [all, ...steps];
  return h("nav", { class: "crumbs", attrs: { "aria-label": "Where you are" } }, path.map((step, at) =>
    at === path.length - 1 ? h("span", { class: "name", attrs: { "aria-current": "page" } }, step.label) : [button(step.label, step.open, { class: "link" }), h("span", { class: "muted", attrs: { "aria-hidden": "true" } }, "/")]));
}

function totals<R extends Totals>(where: (row: R) => Where): Column<R>[] {
  return [
    { label: "Cost", kind: "money", value: (row) => row.total_cost, priced: pricedOf, where, bar: true },
    { label: "Calls", kind: "count", value: (row) => row.total_calls },
    { label: "Tokens", kind: "tokens", value: (row) => row.total_tokens, wide: true },
    { label: "Last call", kind: "age", value: (row) => row.last_activity },
  ];
}

const behind = (path: string): Door => ({ label: "project", ...(path ? { what: path } : { within: { project: UNKNOWN } }) });

function all(page: Page, rows: readonly Project[], query: Query): HTMLElement {
  const where = (row: Project): Where => ({
    title: `Cost of ${page.called(row.path)}`, value: moneyExact(row.total_cost, marked(pricedOf(row))), route: path("/api/stats/projects", query),
    says: `The ${count(row.total_calls)} calls in ${named(row.path)} that the filters let through. A worktree counts as its repository.`,
    explain: [behind(row.path)],
  });
  const columns: Column<Project>[] = [
    { label: "Project", kind: "text", value: (row) => page.called(row.path), cell: (row) => h("span", { class: "two" }, h("span", { class: "name" }, page.called(row.path)), h("small", { class: "muted" }, pathText(row.path))) },
    ...totals(where),
    { label: "Branches", kind: "count", value: (row) => row.branches?.length ?? null, wide: true },
  ];
  return card(plural(rows.length, "project"), null, table(page, { title: "Projects", rows, columns, sort: 1, most: 100, open: (row) => page.set({ project: row.path || UNKNOWN }) }));
}

function project(page: Page, data: Data & { depth: "project" }): Node[] {
  const { project: known, query } = data;
  const name = page.called(known?.path ?? page.state.project);
  const steps = [{ label: name, open: () => page.set({ branch: "" }) }, ...(page.state.branch ? [{ label: page.state.branch, open: () => undefined }] : [])];
  const key = JSON.stringify(query);
  const parts: Node[] = [crumbs(page, steps)];
  if (known) parts.push(card(name, h("span", { class: "muted path" }, pathText(known.path)), figures(page, "Project", summary(known, name, query))));
  if (known?.branches && !page.state.branch) parts.push(card("Branches", null, branches(page, known.branches, known, query)));
  parts.push(card(page.state.branch ? `Sessions on ${page.state.branch}` : "Sessions", null, sessionTable(page, data.page.sessions, query),
    data.page.next_cursor ? button("Older sessions", () => { opened.set(key, (opened.get(key) ?? 0) + 1); page.again(); }, { class: "more" }) : null));
  return parts;
}

function summary(known: Project, name: string, query: Query) {
  const where = (title: string, value: string): Where => ({
    title: `${title} of ${name}`, value, says: `The calls in ${known.path} that the filters let through.`,
    route: path("/api/stats/projects", query), explain: [behind(known.path)],
  });
  return [
    amount("Cost", known.total_cost, pricedOf(known), (value) => where("Cost", value), { isMain: true }),
    { label: "Calls", text: count(known.total_calls), exact: known.total_calls, where: where("Calls", count(known.total_calls)) },
    { label: "Tokens", text: tokens(known.total_tokens), exact: known.total_tokens, where: where("Tokens", count(known.total_tokens)) },
  ];
}

function branches(page: Page, rows: readonly Totals[], known: Project, query: Query): HTMLElement {
  const where = (row: Totals): Where => ({
    title: `Cost of ${page.called(known.path)} on ${named(row.name)}`, value: moneyExact(row.total_cost, marked(pricedOf(row))), route: path("/api/stats/projects", query),
    says: "The calls of the project whose row names this branch.", explain: [{ label: "branch", within: { project: known.path || UNKNOWN, branch: row.name || UNKNOWN } }],
  });
  return table(page, { title: "Branches", rows, sort: 1, most: 12, open: (row) => page.set({ branch: row.name || UNKNOWN }), columns: [{ label: "Branch", kind: "text", value: (row) => row.name }, ...totals(where)] });
}

function sessionTable(page: Page, rows: readonly Session[], query: Query): HTMLElement {
  const route = path("/api/stats/sessions", query);
  return table(page, {
    title: "Sessions", rows, most: 100, open: (row) => page.set({ session: row.id }), empty: "No session in this time.",
    columns: [
      { label: "Session", kind: "text", value: (row) => row.id, cell: (row) => h("span", { class: "two" }, h("span", { class: "id" }, row.id.slice(0, 8) || "unknown", row.active ? [" ", badge("active", "good")] : null), h("small", { class: "muted" }, named(row.branch))) },
      { label: "Models", kind: "text", value: (row) => row.models.join(", "), wide: true },
      { label: "Cost", kind: "money", value: (row) => row.cost, priced: (row) => row, bar: true, where: (row) => ({ title: `Cost of session ${row.id}`, value: moneyExact(row.cost, marked(row)), says: `The ${count(row.calls)} calls of the session that the filters let through, its subagents' among them.`, route, explain: [{ label: "session", what: row.id }] }) },
      { label: "Calls", kind: "count", value: (row) => row.calls },
      { label: "Tokens", kind: "tokens", value: (row) => row.tokens, wide: true },
      { label: "Last call", kind: "age", value: (row) => row.last },
    ],
  });
}

function session(page: Page, told: SessionStory): Node[] {
  const { session: of } = told;
  const steps = [
    { label: page.called(of.project_path), open: () => page.set({ session: "", branch: "", project: of.project_path }) },
    ...(of.branch ? [{ label: of.branch, open: () => page.set({ session: "", project: of.project_path, branch: of.branch }) }] : []),
    { label: of.id.slice(0, 8), open: () => undefined },
  ];
  const route = `/api/stats/sessions/${encodeURIComponent(of.id)}`;
  const where = (title: string, value: string): Where => ({ title: `${title} of session ${of.id}`, value, says: "All calls of the session, its subagents' among them.", route, explain: [{ label: "session", what: of.id }] });
  const [first, last] = [instant(of.first), instant(of.last)];
  return [
    crumbs(page, steps),
    card(["Session ", h("span", { class: "id" }, of.id)], of.active ? badge("active", "good") : age(page, of.last),
      figures(page, "Session", [
        amount("Cost", of.cost, of, (value) => where("Cost", value), { isMain: true }),
        { label: "Calls", text: count(of.calls), exact: of.calls, where: where("Calls", count(of.calls)) },
        { label: "Tokens", text: tokens(of.tokens), exact: of.tokens, where: where("Tokens", count(of.tokens)) },
        { label: "From first to last call", text: first !== null && last !== null ? lasting(last - first) : "–", exact: first !== null && last !== null ? last - first : "", where: where("Time from first to last call", `${of.first ?? ""} – ${of.last ?? ""}`) },
      ])),
    besides(card("Tools", null, tools(page, told, where)), told.agents.some((row) => row.name !== "") ? card("Agents", null, agents(page, told, where)) : null),
    card("Calls", null, calls(page, told.calls, route),
      told.next_cursor ? button("More calls", () => { opened.set(of.id, (opened.get(of.id) ?? 0) + 1); page.again(); }, { class: "more" }) : null),
  ];
}

const besides = (one: HTMLElement, other: HTMLElement | null): HTMLElement => (other ? h("div", { class: "split" }, one, other) : one);

function tools(page: Page, told: SessionStory, where: (title: string, value: string) => Where): HTMLElement {
  return table(page, { title: "Tools of the session", rows: told.tools, sort: 1, most: 12, empty: "No tool was used.", columns: [
    { label: "Tool", kind: "text", value: (row) => row.name },
    { label: "Uses", kind: "count", value: (row) => row.uses, bar: true, where: (row) => where(`Uses of ${row.name}`, count(row.uses)) },
    { label: "Failures", kind: "count", value: (row) => row.failures },
  ] });
}

function agents(page: Page, told: SessionStory, where: (title: string, value: string) => Where): HTMLElement {
  return table(page, { title: "Agents of the session", rows: told.agents, sort: 1, most: 8, columns: [
    { label: "Agent", kind: "text", value: (row) => row.name || MAIN_THREAD },
    { label: "Cost", kind: "money", value: (row) => row.cost, priced: (row) => row, bar: true, where: (row) => where(`Cost of ${row.name || MAIN_THREAD}`, moneyExact(row.cost, marked(row))) },
    { label: "Calls", kind: "count", value: (row) => row.calls },
  ] });
}

function calls(page: Page, rows: readonly Call[], route: string): HTMLElement {
  const marks = (row: Call): Child => [row.agent ? badge(row.agent, "plain") : row.sidechain ? badge("subagent", "plain") : null, " ", row.skill ? badge(row.skill, "plain") : null];
  return table(page, { title: "Calls", rows, most: 100, columns: [
    { label: "Time", kind: "text", value: (row) => row.timestamp, cell: (row) => time(page, row.timestamp) },
    { label: "Model", kind: "text", value: (row) => row.model, wide: true },
    { label: "Tools", kind: "text", value: (row) => row.tools.join(", "), cell: (row) => [h("span", { class: "name" }, row.tools.join(", ")), " ", marks(row)] },
    { label: "Input", kind: "tokens", value: (row) => row.input, wide: true },
    { label: "Cache read", kind: "tokens", value: (row) => row.cache_read, wide: true },
    { label: "Output", kind: "tokens", value: (row) => row.output, wide: true },
    { label: "Cost", kind: "money", value: (row) => row.cost, bar: true, where: (row) => ({ title: `Cost of call ${row.id}`, value: moneyExact(row.cost ?? 0, row.cost === null ? "?" : ""), says: "One call: its tokens by class, each at its rate, rounded once.", route, explain: [{ label: "call", what: `#${row.id}` }] }) },
  ] });
}
