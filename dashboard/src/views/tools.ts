// Tools and agents: which tools were used and failed; what agents, skills and MCP servers cost.
// Must not: split the cost of a call over its tools.

import { get, path } from "../api.ts";
import { count, moneyExact } from "../format.ts";
import type { Page, View, Where } from "../page.ts";
import { h } from "../parts/dom.ts";
import { card, marked } from "../parts/figure.ts";
import { type Column, table } from "../parts/table.ts";
import { type Query, type State, filters } from "../state.ts";
import type { Breakdown, Slice } from "../types.ts";
import { MAIN_THREAD, pricedIn } from "./common.ts";

interface Tools { tools: Breakdown; agents: Breakdown; skills: Breakdown; servers: Breakdown; query: Query }

export const tools: View<Tools> = {
  key: "tools",
  async load(state: State, signal: AbortSignal): Promise<Tools> {
    const query = filters(state);
    const by = (what: string): Promise<Breakdown> => get<Breakdown>("/api/stats/breakdown", { ...query, by: what }, signal);
    const [used, agents, skills, servers] = await Promise.all([by("tool"), by("agent"), by("skill"), by("mcp")]);
    return { tools: used, agents, skills, servers, query };
  },
  isEmpty: (data) => [data.tools, data.agents, data.skills, data.servers].every((told) => told.rows.length === 0),
  zone: () => null,
  draw(data: Tools, page: Page): Node[] {
    return [h("div", { class: "split" },
      card("Tools", null, used(page, data)),
      h("div", { class: "stack" },
        card("Agents", null, costs(page, data, "Agent", data.agents, MAIN_THREAD)),
        card("Skills", null, costs(page, data, "Skill", data.skills, "no skill")),
        card("MCP servers", h("span", { class: "muted" }, "cost of the calls that a server caused"), costs(page, data, "MCP server", data.servers, "no server"))))];
  },
};

function used(page: Page, { tools: told, query }: Tools): HTMLElement {
  const route = path("/api/stats/breakdown", { ...query, by: "tool" });
  const where = (what: string, of: (row: Slice) => number) => (row: Slice): Where => ({
    title: `${what} of ${row.label || row.key}`, value: count(of(row)), route,
    says: what === "Uses" ? "Uses of the tool in the calls that the filters let through." : "Uses whose result said that it failed, or was refused.",
  });
  const [uses, failures] = [(row: Slice): number => row.uses ?? row.calls ?? 0, (row: Slice): number => row.failures ?? 0];
  const columns: Column<Slice>[] = [
    { label: "Tool", kind: "text", value: (row) => row.label || row.key },
    { label: "Uses", kind: "count", value: uses, where: where("Uses", uses), bar: true },
    { label: "Failed", kind: "count", value: failures, where: where("Failures", failures) },
    { label: "Share failed", kind: "share", value: (row) => (uses(row) > 0 ? failures(row) / uses(row) : null), wide: true },
  ];
  return table(page, { title: "Tools", rows: told.rows, columns, sort: 1, most: 40, empty: "No tool was used in this time." });
}

function usesOfTools(query: Query): Column<Slice> {
  const where = (row: Slice): Where => ({
    title: `Uses of tools of ${row.label || row.key}`, value: count(row.uses ?? 0), route: path("/api/stats/breakdown", { ...query, by: "mcp" }),
    says: "Uses of the server's tools, in whatever calls. Its cost is of the calls only that the transcript says it caused.",
  });
  return { label: "Uses of its tools", kind: "count", value: (row) => row.uses ?? null, where };
}

function costs(page: Page, { query }: Tools, label: string, told: Breakdown, none: string): HTMLElement {
  const where = (row: Slice): Where => ({
    title: `Cost of ${row.label || row.key || none}`, value: moneyExact(row.cost ?? 0, marked(pricedIn(row))), route: path("/api/stats/breakdown", { ...query, by: told.by }),
    says: `The ${count(row.calls ?? 0)} calls whose transcript names this ${label === "MCP server" ? label : label.toLowerCase()}.`,
  });
  const isServer = label === "MCP server";
  const columns: Column<Slice>[] = [
    { label, kind: "text", value: (row) => row.label || row.key || none },
    { label: "Cost", kind: "money", value: (row) => row.cost ?? 0, priced: pricedIn, where, bar: true },
    { label: "Calls", kind: "count", value: (row) => row.calls ?? 0 },
    ...(isServer ? [usesOfTools(query)] : [{ label: "Tokens", kind: "tokens" as const, value: (row: Slice) => row.tokens ?? 0, wide: true }]),
  ];
  return table(page, { title: `${label}s`, rows: told.rows, columns, sort: 1, most: 10, empty: `No ${label === "MCP server" ? label : label.toLowerCase()} in this time.` });
}
