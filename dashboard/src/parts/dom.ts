// Elements of the page. All text goes in as text nodes, through `shown`; there is no other way in.
// Must not: parse markup.

import { linkTarget, shown, steps } from "../names.ts";

export type Child = Node | string | number | null | undefined | false | readonly Child[];
type Handler = (event: never) => void;

export interface Props {
  class?: string | undefined;
  id?: string | undefined;
  title?: string | undefined;
  role?: string | undefined;
  type?: string | undefined;
  /** An input begins with it. */
  value?: string | undefined;
  /** Attributes, `data-*` and `aria-*` among them; `true` is an empty one, `false` none. */
  attrs?: Record<string, string | number | boolean | undefined>;
  on?: Record<string, Handler>;
}

/** Attributes that could load or run something are set nowhere but here below, by name. */
const BANNED = /^(on|src|href|style|action|formaction|xlink)/i;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props | null = null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props) dress(element, props);
  put(element, children);
  return element;
}

function dress(element: HTMLElement, props: Props): void {
  if (props.class) element.className = props.class;
  if (props.id) element.id = props.id;
  if (props.title) element.title = shown(props.title);
  if (props.role) element.setAttribute("role", props.role);
  if (props.type) element.setAttribute("type", props.type);
  if (props.value !== undefined) {
    // Of an input it tells apart what was typed since.
    if (element instanceof HTMLInputElement) element.defaultValue = props.value;
    else (element as HTMLOptionElement).value = props.value;
  }
  for (const [name, value] of Object.entries(props.attrs ?? {})) {
    if (value === undefined || value === false || BANNED.test(name)) continue;
    element.setAttribute(name, value === true ? "" : shown(String(value)));
  }
  for (const [name, handler] of Object.entries(props.on ?? {})) {
    element.addEventListener(name, handler as EventListener);
  }
}

export function put(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) put(parent, child as readonly Child[]);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(shown(String(child))));
  }
}

/** A path, which a narrow page breaks behind its slashes. */
export const pathText = (path: string): Child => steps(path).map((part, at) => (at === 0 ? part : [h("wbr"), part]));

/** Replaces what an element holds. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  put(parent, children);
}

/** A link, or plain text where its target may not be one. */
export function link(url: string, text: Child, props: Props = {}): HTMLElement {
  const target = linkTarget(url);
  if (target === null) return h("span", props, text);
  const element = h("a", { ...props, attrs: { ...props.attrs, rel: "noopener noreferrer" } }, text);
  element.href = target;
  return element;
}

export function button(text: Child, press: (event: MouseEvent) => void, props: Props = {}): HTMLButtonElement {
  return h("button", { type: "button", ...props, on: { ...props.on, click: press as Handler } }, text);
}

const SVG = "http://www.w3.org/2000/svg";

/** A line drawing of 16 by 16, for the eye only. */
export function icon(path: string, extra = ""): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.appendChild(line);
  return svg;
}

export const ICONS = {
  now: "M2.5 11.5a5.5 5.5 0 0 1 11 0M8 11.5l2.6-3.6M2 13.5h12",
  cost: "M2.5 13.5h11M4 11V8M8 11V3.5M12 11V6",
  projects: "M2 4.5c0-.6.4-1 1-1h3l1.5 2H13c.6 0 1 .4 1 1V12c0 .6-.4 1-1 1H3c-.6 0-1-.4-1-1z",
  heatmap: "M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z",
  cache: "M2.5 4c0-1 2.5-2 5.5-2s5.5 1 5.5 2-2.5 2-5.5 2-5.5-1-5.5-2zM2.5 4v8c0 1 2.5 2 5.5 2s5.5-1 5.5-2V4M2.5 8c0 1 2.5 2 5.5 2s5.5-1 5.5-2",
  tools: "M2.5 13.5l5.2-5.2M13.4 4.6a3.2 3.2 0 0 1-4.4 4 3.2 3.2 0 0 1-1-4.2 3.2 3.2 0 0 1 3.4-1.8L9.6 4.4l.4 1.6 1.6.4z",
  sources: "M2.5 3h11v3.500h-11zM2.5 9.500h11V13h-11zM5 4.800h.1M5 11.300h.1",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.500v1M8 13.500v1M1.5 8h1M13.5 8h1M3.4 3.400l.7.7M11.9 11.900l.7.7M3.4 12.600l.7-.7M11.9 4.100l.7-.7",
  moon: "M13 9.500A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.500z",
  auto: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  close: "M4 4l8 8M12 4l-8 8",
  left: "M10 3.500L5.5 8l4.5 4.5",
  right: "M6 3.500L10.5 8 6 12.5",
  down: "M3.5 6L8 10.5 12.5 6",
  save: "M8 2v8M4.5 6.800L8 10.300l3.5-3.500M2.5 13.500h11",
  filter: "M2 3.500h12M4.5 8h7M6.5 12.500h3",
  warn: "M8 2.500l6 11H2zM8 6.500v3.500M8 11.800v.1",
  again: "M13 8a5 5 0 1 1-1.5-3.600M13 2v3h-3",
} as const;
