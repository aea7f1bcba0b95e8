// Questions to the daemon: the token, ETags, and problems as one kind of error.
// The token is sent to the daemon alone: where the line broke, whoever answers next proves that it knows it.
// Must not: draw, or put the token anywhere but in the header and in sessionStorage.

import type { Query } from "./state.ts";

const KEY = "cco-token";
/** A question that takes longer gets no answer any more. */
const PATIENCE = 31_000;
const REMEMBERED = 48;

/** Why there is no answer. `network`: nobody answers at all; `token`: who asks is not known. */
export class Problem extends Error {
  constructor(
    readonly kind: "network" | "token" | "answer",
    readonly title: string,
    readonly detail: string,
    readonly hint: string,
    readonly status = 0,
  ) {
    super(detail || title);
  }

  /** The user turned statistics off; nothing is broken, and nothing comes by waiting. */
  get isOff(): boolean {
    return this.status === 503 && this.hint.includes("stats.enabled");
  }
}

const answers = new Map<string, { etag: string; data: unknown }>();

let held: string | null | undefined;
/** Whoever answers is the daemon: it gave this page, or proved it. */
let isKnown = true;
/** A line to it stands, or none was lost yet: no other program can have its port unnoticed. */
let isHeld = true;

function token(): string | null {
  if (held === undefined) held = sessionStorage.getItem(KEY);
  return held;
}

/** The headers that say who asks. */
export function credentials(): Record<string, string> {
  return token() && isKnown ? { Authorization: `Bearer ${token()}` } : {};
}

/** Drops a token that is refused; says whether there was one. */
export function forget(): boolean {
  const had = token() !== null;
  keep(null);
  return had;
}

function keep(given: string | null): void {
  [held, isKnown] = [given, true];
  if (given === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, given);
}

/**
 * There is no line, and any program may have the port by now: until there is one, the token goes with no question to
 * whom has not just proved who it is. Only loopback and https have what that takes.
 */
export function doubt(): void {
  if (token() !== null && isSecureContext) [isKnown, isHeld] = [false, false];
}

/** A line stands to whoever proved who it is: the port cannot become another's unnoticed. */
export function hold(): void {
  isHeld = true;
}

/** Has whoever answers prove that it is the daemon, where that is in doubt. */
export async function prove(signal?: AbortSignal): Promise<void> {
  const asked = token();
  if (asked === null || (isKnown && isHeld)) return;
  // A reload would bring a page of whoever answers. Not sooner: a line breaks also where this page is left for another.
  sessionStorage.removeItem(KEY);
  const nonce = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const answer = await send(path("/api/proof", { nonce }), signal ? { signal } : {});
  const { proof } = ((await read(answer)) ?? {}) as { proof?: unknown };
  const given = Uint8Array.from(String(proof).match(/../g) ?? [], (digits) => parseInt(digits, 16));
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", text.encode(asked), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const isDaemon = await crypto.subtle.verify("HMAC", key, given, text.encode(`cco\n${location.host}\n${nonce}`));
  if (token() !== asked) return;
  if (!isDaemon) {
    throw new Problem("token", "This is not the daemon that let you in", "Another program may have its port by now, or its token is another.", "Run `cco dashboard`.");
  }
  keep(asked);
}

/** Takes the one-time code out of the address, and exchanges it for the token. */
export async function exchangeCode(): Promise<void> {
  const code = /(?:^#|&)code=([^&]+)/.exec(location.hash)?.[1];
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (!code) return;
  const given = await send("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Cco": "1" },
    body: JSON.stringify({ code: decodeURIComponent(code) }),
  });
  keep(((await given.json()) as { token: string }).token);
}

/** The path of a question. */
export function path(route: string, query: Query = {}): string {
  const text = new URLSearchParams(query).toString();
  return text ? `${route}?${text}` : route;
}

/** Asks. The same answer as before is the same object. */
export async function get<T>(route: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const url = path(route, query);
  const known = answers.get(url);
  await prove(signal);
  const headers = { ...credentials(), ...(known ? { "If-None-Match": known.etag } : {}) };
  const answer = await send(url, { headers, ...(signal ? { signal } : {}) });
  if (answer.status === 304 && known) return known.data as T;
  const data = (await read(answer)) as T;
  const etag = answer.headers.get("ETag");
  answers.delete(url);
  if (etag) answers.set(url, { etag, data });
  for (const oldest of answers.keys()) {
    if (answers.size <= REMEMBERED) break;
    answers.delete(oldest);
  }
  return data;
}

/** Health says what is wrong with a status that is itself an error. */
export async function health<T>(signal?: AbortSignal): Promise<T> {
  await prove(signal);
  const answer = await send("/api/health", { headers: credentials(), ...(signal ? { signal } : {}) }, [503]);
  return (await read(answer)) as T;
}

/** Has something done. */
export async function post<T>(route: string): Promise<T> {
  await prove();
  const headers = { ...credentials(), "Content-Type": "application/json", "X-Cco": "1" };
  return (await read(await send(route, { method: "POST", headers, body: "{}" }))) as T;
}

/** Sends, and makes one kind of error of all that can go wrong. */
export async function send(url: string, init: RequestInit, fine: readonly number[] = []): Promise<Response> {
  const slow = AbortSignal.timeout(PATIENCE);
  const signal = init.signal ? AbortSignal.any([init.signal, slow]) : slow;
  let answer: Response;
  try {
    answer = await fetch(url, { ...init, signal, credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    doubt();
    throw slow.aborted
      ? new Problem("network", "No answer in time", "The daemon took longer than 30 seconds.", "`cco daemon status` says how it is.")
      : new Problem("network", "The daemon does not answer", "Nothing listens at this address any more.", "Run `cco daemon start`; this page goes on by itself.");
  }
  if (answer.ok || answer.status === 304 || fine.includes(answer.status)) return answer;
  throw await problemOf(answer);
}

async function read(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("network", "The answer broke off", "The daemon's answer is not whole.", "It is asked again.", answer.status);
  }
}

/** What an answer that is none says. */
export async function problemOf(answer: Response): Promise<Problem> {
  const told = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (key: string): string => (typeof told[key] === "string" ? told[key] : "");
  const kind = answer.status === 401 ? "token" : "answer";
  return new Problem(kind, text("title") || `Status ${answer.status}`, text("detail"), text("hint"), answer.status);
}
