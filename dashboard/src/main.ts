// The page's own loop: the address says what is asked, the answer is drawn, live events make it ask again.
// Must not: know what a view shows, or draw anything itself.

import { Problem, exchangeCode, forget, get } from "./api.ts";
import { isZone } from "./format.ts";
import { Live, type LiveState } from "./live.ts";
import { lastPart, named } from "./names.ts";
import { OUTLINES, type Page, type SheetPart, type View, onDay, scope, usesOf } from "./page.ts";
import * as dialog from "./parts/dialog.ts";
import { fill } from "./parts/dom.ts";
import { tick } from "./parts/figure.ts";
import * as filters from "./parts/filters.ts";
import { keep, restore } from "./parts/focus.ts";
import { type Actions, type Frame, drawHead, drawLive, drawNav, frame as makeFrame, openView } from "./parts/shell.ts";
import { empty, failed, gate, loading, mistaken, problemOf, withCommands } from "./parts/states.ts";
import { type Span, inWords, spanNow, spanOf } from "./period.ts";
import { type State, UNFILTERED, VIEWS, address, chosen, mistakes, parse } from "./state.ts";
import { theme, turnTheme, wearTheme } from "./theme.ts";
import type { Stats } from "./types.ts";

/** Live events are many; the API is asked at most so often, in milliseconds. */
const CALM = 1_000;
/** Without any event a view is asked for again, since time itself goes on. */
const STEADY = 60_000;
/** Not every release is heard of, in milliseconds. */
const LONGEST_PRESS = 2_000;
const LOGGED_OUT = new Problem("token", "Logged out", "This page was logged out: the token that it had is not good any more.", "");

class App {
  private state: State = parse(location.search);
  private readonly frame: Frame = makeFrame();
  private live: LiveState = { is: "connecting" };
  private readonly stream: Live;
  /** Of times; none before anybody told one. */
  private zone = "";
  private views: typeof import("./views/all.ts") | null = null;
  /** The daemon's zone, once known. */
  private home = "";
  private data: unknown = null;
  private dataOf = "";
  private span: Span | null = null;
  private known: filters.Known | null = null;
  /** Counts the answers of it. */
  private learnt = 0;
  /** Counts the times that it was asked for: only the last answer is taken. */
  private learning = 0;
  private sheet: SheetPart[] = [];
  /** Of what the filters and the head were last drawn; the state is of the filters. */
  private readonly drawn = { filters: "", state: "", head: "" };
  /** What projects are called on what is drawn, by path. */
  private readonly names = new Map<string, string>();
  /** There are newer numbers than those that are drawn. */
  private isDue = false;
  /** Something was heard while nobody looked. */
  private isMissed = false;
  private asking: AbortController | null = null;
  private askedAt = 0;
  private drawnAt = 0;
  /** When a button was pressed that is not released yet, on a clock that nobody sets. */
  private pressedAt = -Infinity;
  private soon = 0;
  private toastTimer = 0;
  private isGated = false;
  private readonly actions: Actions;

  constructor(private readonly root: HTMLElement) {
    this.actions = {
      set: (patch) => this.set(patch),
      help: dialog.help,
      theme: () => { turnTheme(); this.draw(); },
      again: () => void this.load(),
    };
    this.stream = new Live({
      state: (state) => {
        const wasOff = this.isOff();
        this.live = state;
        if (state.is === "refused") return this.refused(null);
        this.pulse();
        if (this.isOff() && !wasOff) void this.load();
      },
      event: (kind) => this.heard(kind),
    });
  }

  start(): void {
    wearTheme();
    // The way to the daemon and back takes longer than a frame.
    void this.enter();
    fill(this.root, this.frame.root);
    this.draw();
    addEventListener("popstate", () => { this.state = parse(location.search); this.turn(); });
    addEventListener("hashchange", () => void this.enter());
    addEventListener("keydown", (event) => this.key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    setInterval(() => {
      tick(document, Date.now());
      this.pulse();
      if (this.isDue && !this.isInUse()) this.draw();
      this.drawFilters();
    }, 1_000);
    setInterval(() => { if (!document.hidden && !this.isGated && Date.now() - this.askedAt > STEADY) void this.load(); }, 5_000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || !this.isMissed) return;
      this.isMissed = false;
      void this.load();
    });
    document.addEventListener("click", (event) => this.shut(event));
    addEventListener("pointerdown", () => { this.pressedAt = performance.now(); }, true);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { this.pressedAt = -Infinity; }, true);
  }

  /** Takes a code out of the address where there is one, then asks. */
  private async enter(): Promise<void> {
    this.doubtKnown();
    try {
      await exchangeCode();
    } catch (error) {
      return this.gate(problemOf(error));
    }
    this.isGated = false;
    if (!this.frame.root.isConnected) fill(this.root, this.frame.root);
    await this.load();
    if (this.isGated) return;
    this.stream.now();
    await this.learn();
  }

  /** Asks what can be chosen. The frame says `known` once that is answered, whatever the answer is. */
  private async learn(): Promise<void> {
    const turn = this.doubtKnown();
    const known = await filters.known().catch(() => null);
    if (turn !== this.learning) return;
    if (known) this.know(known);
    this.frame.root.dataset["known"] = "";
  }

  /** Asks again for what could not be had: nobody answered, the ledger was locked, or statistics were turned off. */
  private learnMissed(): void {
    const isAsked = this.frame.root.dataset["known"] === undefined;
    if (!isAsked && !this.known?.accounts) void this.learn();
  }

  /** It is asked for anew: an answer that is still on its way is nothing any more. */
  private doubtKnown(): number {
    delete this.frame.root.dataset["known"];
    return ++this.learning;
  }

  private know(known: filters.Known): void {
    const wasNew = this.isNew();
    this.known = known;
    this.learnt++;
    const isRenamed = [...this.names].some(([path, name]) => this.called(path) !== name);
    const view = this.there();
    if (view && (isRenamed || (this.isNew() !== wasNew && view.isEmpty(this.data)))) this.drawSoon();
    this.drawFilters();
  }

  /** As far as is known there is no call at all. */
  private isNew(): boolean {
    return this.known ? this.known.projects.length === 0 : chosen(this.state).length === 0;
  }

  private gate(why: Problem | null): void {
    this.isGated = true;
    document.title = "cco";
    fill(this.root, gate(why, () => { this.isGated = false; void this.enter(); }));
  }

  /** Several questions are refused at once; the first that is says why. */
  private refused(why: Problem | null): void {
    if (!this.isGated) this.gate(forget() ? LOGGED_OUT : why);
  }

  private set(patch: Partial<State>): void {
    const isOther = patch.view !== undefined || patch.session !== undefined || patch.project !== undefined || patch.period !== undefined;
    this.state = { ...this.state, ...patch };
    const to = address(this.state);
    if (to === location.pathname + location.search) return;
    if (Object.keys(patch).length === 1 && patch.find !== undefined) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
    if (isOther && patch.view !== undefined) scrollTo(0, 0);
    this.turn();
  }

  /** The address has changed. */
  private turn(): void {
    const isSame = this.dataOf === this.question();
    this.draw();
    if (!isSame) void this.load();
  }

  /** What of the state decides the answer. */
  private question(): string {
    return address({ ...this.state, find: "", metric: "cost" });
  }

  private async load(): Promise<void> {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const question = this.question();
    const state = this.state;
    this.askedAt = Date.now();
    const slow = setTimeout(() => this.frame.root.classList.add("asking"), 250);
    try {
      const zone = this.learnZone(asking.signal);
      const [data] = await Promise.all([this.view(state.view).then((view) => view.load(state, asking.signal, zone)), zone]);
      if (asking.signal.aborted) return;
      const wasThere = this.dataOf === question && this.frame.body.querySelector(".drawn") !== null;
      const isSame = this.dataOf === question && same(this.data, data);
      this.data = data;
      this.dataOf = question;
      this.learnMissed();
      // What stands for times is drawn anew now and then, though the answer is the same.
      if (isSame && this.frame.body.querySelector(".drawn") && Date.now() - this.drawnAt < STEADY / 2) return;
      if (wasThere) this.drawSoon();
      else this.draw();
    } catch (error) {
      if (!asking.signal.aborted) this.fail(problemOf(error), question);
    } finally {
      clearTimeout(slow);
      if (asking === this.asking) this.frame.root.classList.remove("asking");
    }
  }

  /** The view, which is there once the frame was painted. */
  private async view(key: State["view"]): Promise<View<unknown>> {
    if (!this.views) {
      await painted();
      this.views = await import("./views/all.ts");
    }
    return this.views.VIEW[key];
  }

  /** The view whose answer is there. */
  private there(): View<unknown> | null {
    return this.views && this.dataOf === this.question() ? this.views.VIEW[this.state.view] : null;
  }

  /** The daemon's zone, which answers without a chosen one are told in. */
  private async learnZone(signal: AbortSignal): Promise<string> {
    try {
      if (this.home === "") this.home = (await get<Stats>("/api/stats", { period: "hour" }, signal)).period.timezone;
    } catch (error) {
      // Not every view is of statistics.
      if (!problemOf(error).isOff) throw error;
    }
    this.choose(null);
    return this.zone;
  }

  private isOff(): boolean {
    return this.live.is === "lost" && this.live.why?.isOff === true;
  }

  private fail(problem: Problem, question: string): void {
    if (problem.kind === "token") return this.refused(problem);
    // What is there stays, under a banner, while nobody answers.
    if (problem.kind === "network" && this.dataOf === question && this.live.is === "lost") return;
    if (problem.status === 503 && !problem.isOff && this.dataOf === question) return this.tell(`${problem.title}. ${problem.detail}`);
    this.dataOf = "";
    this.isDue = false;
    const clear = problem.status === 400 && chosen(this.state).length > 0 ? () => this.set(UNFILTERED) : undefined;
    fill(this.frame.body, failed(problem, () => void this.load(), clear));
  }

  private page(sheet: SheetPart[]): Page {
    return {
      state: this.state, zone: this.zone, now: Date.now(), sheet,
      called: (path) => this.called(path),
      set: (patch) => this.set(patch),
      where: (where) => dialog.where(where, this.zone),
      again: () => { this.draw(); void this.load(); },
      tell: (text) => this.tell(text),
    };
  }

  private called(path: string): string {
    const name = this.known?.names.get(path) ?? named(lastPart(path));
    this.names.set(path, name);
    return name;
  }

  /** Draws what is newer than what stands there, once nobody uses that. */
  private drawSoon(): void {
    if (this.isInUse()) this.isDue = true;
    else this.draw();
  }

  private draw(): void {
    const view = this.there();
    const kept = keep();
    this.isDue = false;
    this.drawnAt = Date.now();
    if (view || this.state.zone) this.choose(view ? view.zone(this.data) : null);
    this.span = (view ? spanIn(this.data) : null) ?? spanNow(this.state, Date.now(), this.zone);
    const sheet: SheetPart[] = [];
    if (!view) fill(this.frame.body, loading());
    else if (view.isEmpty(this.data)) fill(this.frame.body, empty(this.page(sheet), this.isNew()));
    else this.drawView(view, sheet);
    this.sheet = sheet;
    this.drawFrame(view !== null);
    this.drawMistakes();
    this.views?.sweep();
    restore(kept);
    this.pulse();
  }

  /** What stands around the view; while nothing of it changes it is left alone, for somebody may be using it. */
  private drawFrame(isThere: boolean): void {
    const { title } = OUTLINES[this.state.view];
    const headKey = JSON.stringify([this.state, theme(), isThere, this.sheet.map((part) => part.title)]);
    this.drawFilters();
    if (headKey !== this.drawn.head) {
      drawNav(this.frame, this.state, this.actions);
      drawHead(this.frame, title, isThere ? () => ({ title, about: this.about(), parts: this.sheet }) : null, this.actions, (text) => this.tell(text));
    }
    this.drawn.head = headKey;
  }

  private drawMistakes(): void {
    const told = mistakes(location.search);
    fill(this.frame.notes, told.length > 0 ? mistaken(told, () => { history.replaceState(null, "", address(this.state)); this.drawMistakes(); }) : null);
  }

  /** The filters in words, for files. */
  private about(): string {
    const project = this.state.project && this.called(this.state.project);
    return scope(this.state, inWords(onDay(this.state), this.span, this.zone), project, this.zone).join(", ");
  }

  private drawView(view: View<unknown>, sheet: SheetPart[]): void {
    try {
      const drawn = document.createElement("div");
      drawn.className = "drawn";
      this.names.clear();
      drawn.append(...view.draw(this.data, this.page(sheet)));
      fill(this.frame.body, drawn);
    } catch (error) {
      fill(this.frame.body, failed(problemOf(error), () => void this.load()));
    }
  }

  /** Draws the filters where something of them changed. What is half filled in would be lost: of the same state that waits. */
  private drawFilters(): void {
    const state = JSON.stringify(this.state);
    const filtersKey = JSON.stringify([state, this.zone, this.span, this.learnt]);
    if (filtersKey === this.drawn.filters) return;
    if (state === this.drawn.state && (this.isPressed() || filters.isInUse(this.frame.filters))) return;
    const kept = keep();
    fill(this.frame.filters, filters.bar(this.page([]), usesOf(this.state), this.known, this.span));
    restore(kept);
    this.drawn.filters = filtersKey;
    this.drawn.state = state;
  }

  /** Of several zones: the chosen one, the answer's, the daemon's, the browser's. */
  private choose(told: string | null): void {
    const wanted = this.state.zone || told || this.home || this.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (isZone(wanted)) this.zone = wanted;
  }

  private heard(kind: string): void {
    if (kind === "reset") return void this.load();
    const isLimits = kind === "limits";
    if (isLimits && this.state.view !== "now") return;
    if (kind === "summary" && this.state.view !== "now") return;
    if (this.soon) return;
    this.soon = window.setTimeout(() => { this.soon = 0; if (document.hidden) this.isMissed = true; else void this.load(); }, Math.max(50, CALM - (Date.now() - this.askedAt)));
  }

  /** A click is a press and a release of the same element, so that nothing is drawn anew between them. */
  private isPressed(): boolean {
    return performance.now() - this.pressedAt < LONGEST_PRESS;
  }

  /** Somebody reads off a chart, marks text, or clicks: new numbers wait. */
  private isInUse(): boolean {
    if (this.isPressed()) return true;
    const marked = getSelection();
    const isMarking = marked !== null && !marked.isCollapsed && this.frame.body.contains(marked.anchorNode);
    return isMarking || this.frame.body.querySelector(".plot:hover") !== null;
  }

  private pulse(): void {
    drawLive(this.frame, this.live, Date.now(), this.zone, () => { this.stream.now(); void this.load(); });
  }

  private tell(text: string): void {
    clearTimeout(this.toastTimer);
    fill(this.frame.toast, withCommands(text));
    this.frame.toast.hidden = false;
    this.toastTimer = window.setTimeout(() => { this.frame.toast.hidden = true; }, 8_000);
  }

  private key(event: KeyboardEvent): void {
    const isTyping = event.target instanceof Element && event.target.closest("input, select, textarea") !== null;
    if (event.key === "Escape") this.shut(null);
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || dialog.isOpen() || this.isGated) return;
    const view = VIEWS[Number(event.key) - 1];
    const press = (selector: string): void => document.querySelector<HTMLElement>(selector)?.click();
    if (view) this.set(openView(view));
    else if (event.key === "/") (document.querySelector<HTMLElement>("#find") ?? document.querySelector<HTMLElement>("#filter-project"))?.focus();
    else if (event.key === "?") dialog.help();
    else if (event.key === "t") this.actions.theme();
    else if (event.key === "r") void this.load();
    else if (event.key === "[" || event.key === "]") press(`[data-step="${event.key}"]`);
    else return;
    event.preventDefault();
  }

  /** Closes what was opened elsewhere than where was clicked. */
  private shut(event: MouseEvent | null): void {
    for (const details of document.querySelectorAll<HTMLDetailsElement>("details[open]")) {
      if (!(event?.target instanceof Node && details.contains(event.target))) details.open = false;
    }
  }
}

/** When what was drawn is on the screen; nobody waits for that where nobody looks. */
function painted(): Promise<void> {
  return new Promise((done) => {
    if (document.hidden) return done();
    requestAnimationFrame(() => setTimeout(done));
    setTimeout(done, 100);
  });
}

/** Answers that did not change are the same objects. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && JSON.stringify(a) === JSON.stringify(b);
}

/** The span of whatever part of the data tells one. */
function spanIn(data: unknown): Span | null {
  const stats = (data as { stats?: Stats } | null)?.stats;
  return stats ? spanOf(stats) : null;
}

const root = document.getElementById("app");
if (root) new App(root).start();
