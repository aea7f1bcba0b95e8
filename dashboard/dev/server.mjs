// A stand-in for the daemon, to work on the page: `npm run dev`, then open the address it prints.
// It plays bad days: GET /dev/MODE with good, slow, down (503), bad (500), empty, hostile, failing, cut (ends the streams), gone (hangs up on all); /dev/call makes a call.
// Must not: be shipped.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as answers from "./answers.mjs";
import { call, random, year } from "./data.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const assets = process.env.ASSETS ?? join(here, "../../crates/daemon/assets");
const port = Number(process.env.PORT ?? 3103);
const FILES = { "/": ["index.html", "text/html; charset=utf-8"], "/assets/app.js": ["app.js", "text/javascript; charset=utf-8"], "/assets/app.css": ["app.css", "text/css; charset=utf-8"], "/favicon.svg": ["favicon.svg", "image/svg+xml"] };
const ALWAYS = {
  "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
  "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store",
};
let mode = "good";
let calls = year(Date.now(), false);
let seq = calls.length;
const streams = new Set();
const rnd = random(99);

function live() {
  const last = calls.at(-1);
  if (!last || mode === "gone" || mode === "down") return;
  const { session, path, branch, account } = last;
  const next = call(Date.now(), rnd, { session, path, branch, account });
  calls.push(next);
  seq += 1;
  const event = { type: "call", update: false, timestamp: new Date(next.at).toISOString(), model: next.model, tier: next.tier, project: path.split("/").pop(), project_path: path, session, branch, tokens: next.tokens, cost: next.cost };
  for (const stream of streams) stream.write(`id: dev-${seq}\nevent: stats-update\ndata: ${JSON.stringify(event)}\n\n`);
}
if (process.env.STILL === undefined) setInterval(live, 4_000);
setInterval(() => { for (const stream of streams) stream.write(": still here\n\n"); }, 15_000);

function turn(to) {
  if (to === "call") return live();
  mode = to;
  if (["good", "hostile", "empty"].includes(to)) calls = to === "empty" ? [] : year(Date.now(), to === "hostile");
  if (to === "cut" || to === "gone") for (const stream of streams) stream.destroy();
}

function route(url, method) {
  const now = Date.now();
  const { pathname, searchParams: query } = url;
  const isHostile = mode === "hostile";
  const session = /^\/api\/stats\/sessions\/([^/]+)$/.exec(pathname);
  if (session) return answers.session(calls, decodeURIComponent(session[1]), query, now);
  const table = {
    "GET /api/stats": () => answers.stats(calls, query, now),
    "GET /api/stats/projects": () => answers.projects(calls, query, now),
    "GET /api/stats/sessions": () => answers.sessions(calls, query, now),
    "GET /api/stats/blocks": () => answers.blocks(calls, now),
    "GET /api/stats/breakdown": () => answers.breakdown(calls, query, now),
    "GET /api/limits": () => (mode === "empty" ? { accounts: [], alerts: [] } : answers.limits(now, isHostile)),
    "GET /api/explain": () => answers.explain(calls, query, now),
    "GET /api/sources": () => answers.sources(calls, now, isHostile),
    "POST /api/scan": () => ({ files: 1843, files_read: 2, calls_new: 5, calls_changed: 1, damaged_lines: 0 }),
    "POST /api/limits/refresh": () => ({ asked: ["ann@example.com"], not_asked: ["team@example.org"], faults: [] }),
  };
  const answer = table[`${method} ${pathname}`];
  if (!answer) throw new answers.Bad(404, "Not Found", "nothing is served at this path", "/api/openapi.json lists what is");
  return answer();
}

function send(response, status, type, body) {
  response.writeHead(status, { ...ALWAYS, "Content-Type": type });
  response.end(body);
}

async function serve(request, response) {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname.startsWith("/dev/")) {
    turn(url.pathname.slice(5));
    return send(response, 200, "text/plain", `${mode}\n`);
  }
  if (mode === "gone") return request.socket.destroy();
  const file = FILES[url.pathname];
  if (file) return send(response, 200, file[1], readFileSync(join(assets, file[0])));
  if (mode === "slow") await new Promise((done) => setTimeout(done, 2_500));
  if (url.pathname === "/api/session") {
    let body = "";
    for await (const piece of request) body += piece;
    if (JSON.parse(body).code !== "dev") throw new answers.Bad(401, "Unauthorized", "this code is not known, was used, or is older than 30 seconds", "run `cco dashboard` again");
    return send(response, 200, "application/json", JSON.stringify({ token: "dev-token" }));
  }
  if (url.pathname === "/api/health") return send(response, mode === "failing" ? 503 : 200, "application/json", JSON.stringify(answers.health(Date.now(), mode !== "failing")));
  if (request.headers.authorization !== "Bearer dev-token") throw new answers.Bad(401, "Unauthorized", "this needs the token of the daemon", "run `cco dashboard`");
  if (mode === "down") throw new answers.Bad(503, "Service Unavailable", "too many questions at once", "ask again in a moment");
  if (mode === "bad") throw new answers.Bad(500, "Internal Server Error", "the ledger could not be read: disk I/O error", "`cco doctor` says what to do");
  if (url.pathname === "/api/stats/live") {
    if (mode === "cut") return request.socket.destroy();
    response.writeHead(200, { ...ALWAYS, "Content-Type": "text/event-stream" });
    response.write(": hello\n\n");
    streams.add(response);
    request.on("close", () => streams.delete(response));
    return;
  }
  const body = JSON.stringify(route(url, request.method));
  const etag = `"${createHash("sha256").update(body.replace(/"generated_at":"[^"]*"/, "")).digest("hex").slice(0, 16)}"`;
  response.setHeader("ETag", etag);
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, ALWAYS);
    return response.end();
  }
  send(response, 200, "application/json", body);
}

createServer((request, response) => {
  serve(request, response).catch((error) => {
    const { status = 500, title = "Internal Server Error", detail = String(error), hint = "", parameter } = error;
    send(response, status, "application/problem+json", JSON.stringify({ type: "about:blank", title, status, detail, hint, parameter }));
  });
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/#code=dev`));
