// The one table of views. It is read after the frame was painted, and charts with it, which take the longest of all to begin.

import type { View } from "../page.ts";
import type { ViewKey } from "../state.ts";
import { cache } from "./cache.ts";
import { cost } from "./cost.ts";
import { heatmap } from "./heatmap.ts";
import { now } from "./now.ts";
import { projects } from "./projects.ts";
import { sources } from "./sources.ts";
import { tools } from "./tools.ts";

export { sweep } from "../parts/chart.ts";

export const VIEW = { now, cost, projects, heatmap, cache, tools, sources } as unknown as Readonly<Record<ViewKey, View<unknown>>>;
