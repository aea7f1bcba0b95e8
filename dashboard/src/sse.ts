// Server-sent events out of text that comes in pieces (the WHATWG's rules).
// Must not: fetch, or know what the events mean.

export interface SseEvent {
  event: string;
  data: string;
  /** The last id so far; empty: none was given. */
  id: string;
}

/** Feed it text as it comes; it gives the events that are whole. */
export class SseParser {
  private rest = "";
  private data: string[] = [];
  private event = "";
  private id = "";
  private isFirst = true;

  push(piece: string): SseEvent[] {
    let text = this.rest + piece;
    if (this.isFirst && text !== "") {
      this.isFirst = false;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    const events: SseEvent[] = [];
    let start = 0;
    for (;;) {
      const end = lineEnd(text, start);
      if (end === null) break;
      const event = this.line(text.slice(start, end.at));
      if (event) events.push(event);
      start = end.next;
    }
    this.rest = text.slice(start);
    return events;
  }

  private line(line: string): SseEvent | null {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const after = colon < 0 ? "" : line.slice(colon + 1);
    const value = after.startsWith(" ") ? after.slice(1) : after;
    if (field === "data") this.data.push(value);
    else if (field === "event") this.event = value;
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }

  private dispatch(): SseEvent | null {
    const { data, event } = this;
    this.data = [];
    this.event = "";
    return data.length === 0 ? null : { event: event || "message", data: data.join("\n"), id: this.id };
  }
}

/** Where the line ends, and where the next starts; a CR at the very end may be half of a CRLF. */
function lineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) return { at, next: at + 1 };
    if (code === 13) {
      if (at + 1 === text.length) return null;
      return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
    }
  }
  return null;
}
