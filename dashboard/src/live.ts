// The stream of live events: connects, resumes where it was, and says since when it is lost.
// Must not: draw, or keep events; whoever listens asks the API for what changed.

import { Problem, credentials, doubt, hold, problemOf, prove } from "./api.ts";
import { SseParser } from "./sse.ts";

/** The server sends a heartbeat every 15 s; three missed ones are a dead connection. */
const SILENCE = 45_000;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;

export type LiveState =
  | { is: "connecting" }
  | { is: "live"; since: number }
  | { is: "lost"; since: number; tryAt: number; isGone: boolean; hint: string; why: Problem | null }
  | { is: "refused" };

export interface LiveListener {
  state(state: LiveState): void;
  /** Something is new: `call`, `summary`, `limits`, or `reset`: everything may be. */
  event(kind: string, data: Record<string, unknown>): void;
}

/** Pause before try number `tries` (from 0), in milliseconds: doubles, with a fifth of chance. */
export function pause(tries: number, chance: number): number {
  const whole = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(tries, 10));
  return Math.round(whole * (0.9 + 0.2 * chance));
}

export class Live {
  private lastId = "";
  private tries = 0;
  private lostSince = 0;
  private timer = 0;
  private connection: AbortController | null = null;

  constructor(private readonly listener: LiveListener) {
    addEventListener("online", () => this.now());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.timer) this.now();
    });
  }

  /** Connects now, whatever the back-off says. */
  now(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    this.connection?.abort();
    void this.connect();
  }

  private async connect(): Promise<void> {
    const connection = new AbortController();
    this.connection = connection;
    let hint = "";
    let isGone = false;
    let why: Problem | null = null;
    try {
      hint = await this.read(connection);
    } catch (error) {
      if (connection !== this.connection) return;
      if (error instanceof Problem && error.kind === "token") {
        this.listener.state({ is: "refused" });
        return;
      }
      isGone = error instanceof TypeError || (error instanceof Problem && error.kind === "network");
      if (error instanceof Problem && !isGone) why = error;
    }
    if (connection === this.connection) this.again(hint, isGone, why);
  }

  private async read(connection: AbortController): Promise<string> {
    await prove(connection.signal);
    const headers = { ...credentials(), Accept: "text/event-stream", ...(this.lastId ? { "Last-Event-ID": this.lastId } : {}) };
    let watch = setTimeout(() => connection.abort(), SILENCE);
    try {
      const answer = await fetch("/api/stats/live", { headers, signal: connection.signal, cache: "no-store", credentials: "omit" });
      if (!answer.ok || !answer.body) throw await problemOf(answer);
      this.isLive();
      const parser = new SseParser();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "";
        clearTimeout(watch);
        watch = setTimeout(() => connection.abort(), SILENCE);
        for (const event of parser.push(value)) {
          if (event.id) this.lastId = event.id;
          const bye = this.take(event.event, event.data);
          if (bye) return bye;
        }
      }
    } finally {
      clearTimeout(watch);
      connection.abort();
    }
  }

  private isLive(): void {
    const wasLost = this.lostSince !== 0;
    hold();
    this.tries = 0;
    this.lostSince = 0;
    this.listener.state({ is: "live", since: Date.now() });
    // What was missed without an id to resume from is asked for.
    if (wasLost) this.listener.event("reset", {});
  }

  /** The reason of a farewell, otherwise nothing. */
  private take(event: string, text: string): string {
    let data: Record<string, unknown> = {};
    try {
      const parsed: unknown = JSON.parse(text);
      if (parsed && typeof parsed === "object") data = parsed as Record<string, unknown>;
    } catch {
      return "";
    }
    if (event === "bye") return String(data["reason"] ?? "stopping");
    if (event === "reset") this.lastId = "";
    this.listener.event(event === "reset" ? "reset" : String(data["type"] ?? event), data);
    return "";
  }

  private again(hint: string, isGone: boolean, why: Problem | null): void {
    const now = Date.now();
    this.lostSince ||= now;
    // Also where the daemon refuses a line: nobody would notice when it ends.
    doubt();
    const wait = pause(this.tries++, Math.random());
    this.listener.state({ is: "lost", since: this.lostSince, tryAt: now + wait, isGone, hint, why });
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      void this.connect();
    }, wait);
  }
}
