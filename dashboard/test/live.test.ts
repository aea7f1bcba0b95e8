import assert from "node:assert/strict";
import { test } from "node:test";

import { pause } from "../src/live.ts";
import { type SseEvent, SseParser } from "../src/sse.ts";

const STREAM = "\ufeff: hello\n\nid: led-1\nevent: stats-update\ndata: {\"type\":\"call\"}\n\nid: led-2\r\ndata: a\r\ndata:b\r\n\r\nevent: reset\rdata: {}\r\r: heartbeat\n\nid: x\0y\ndata\n\nevent: dropped\n\ndata: unfinished";
const EVENTS: SseEvent[] = [
  { event: "stats-update", data: '{"type":"call"}', id: "led-1" },
  { event: "message", data: "a\nb", id: "led-2" },
  { event: "reset", data: "{}", id: "led-2" },
  { event: "message", data: "", id: "led-2" },
];

test("events are the same wherever the stream is cut", () => {
  assert.deepEqual(new SseParser().push(STREAM), EVENTS);
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const parser = new SseParser();
    assert.deepEqual([...parser.push(STREAM.slice(0, cut)), ...parser.push(STREAM.slice(cut))], EVENTS, `cut at ${cut}`);
  }
  const parser = new SseParser();
  assert.deepEqual([...STREAM].flatMap((letter) => parser.push(letter)), EVENTS);
});

test("tries get rarer, and never rarer than half a minute and a tenth", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((tries) => pause(tries, 0.5)), [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  for (let tries = 0; tries < 20; tries++) assert.ok(pause(tries, 1) <= 33_000 && pause(tries, 0) >= 900);
});
