// A view as files: CSV of each table, PNG of all of it.
// Must not: ask the server; what is saved is what is shown, all its rows.

import { csv, type CsvCell } from "../csv.ts";
import { shown } from "../names.ts";
import type { SheetPart } from "../page.ts";
import { colour } from "../theme.ts";
import { h } from "./dom.ts";

export interface Sheet {
  title: string;
  /** The filters, in words. */
  about: string;
  parts: readonly SheetPart[];
}

const WIDTH = 1120;
const EDGE = 40;
const ROW = 24;
const MOST_ROWS = 40;

/** Only letters, digits and hyphens reach a file's name. */
export const fileName = (title: string, ending: string): string =>
  `cco-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "view"}.${ending}`;

function hand(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const door = h("a", { attrs: { download: name } });
  door.href = url;
  door.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Tables that can be saved: figures are one too. */
export function tablesOf(sheet: Sheet): { title: string; header: readonly string[]; rows: readonly (readonly CsvCell[])[] }[] {
  return sheet.parts.flatMap((part) => {
    if (part.kind === "table") return [{ title: part.title, header: part.header, rows: part.rows }];
    if (part.kind === "figures") return [{ title: part.title, header: ["figure", "value"], rows: part.items.map((item) => [item.label, item.exact]) }];
    return [];
  });
}

export function saveCsv(view: string, told: { title: string; header: readonly string[]; rows: readonly (readonly CsvCell[])[] }): void {
  hand(new Blob([csv(told.header, told.rows)], { type: "text/csv;charset=utf-8" }), fileName(`${view} ${told.title}`, "csv"));
}

export function savePng(sheet: Sheet): Promise<void> {
  const canvas = paint(sheet);
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => {
      if (!blob) return fail(new Error("the picture is too large"));
      hand(blob, fileName(sheet.title, "png"));
      done();
    }, "image/png");
  });
}

/** Numbers of a chart stand in the picture as the chart. */
function seen(parts: readonly SheetPart[]): readonly SheetPart[] {
  const pictures = new Set(parts.filter((part) => part.kind === "picture").map((part) => part.title));
  return parts.filter((part) => !(part.kind === "table" && pictures.has(part.title)));
}

function heightOf(part: SheetPart): number {
  if (part.kind === "figures") return 60 + Math.ceil(part.items.length / 5) * 64;
  if (part.kind === "table") return 92 + Math.min(part.rows.length, MOST_ROWS) * ROW + (part.rows.length > MOST_ROWS ? ROW : 0);
  const canvas = part.canvas();
  return canvas ? 96 + (canvas.height / canvas.width) * (WIDTH - 2 * EDGE) : 0;
}

function paint(sheet: Sheet): HTMLCanvasElement {
  const parts = seen(sheet.parts);
  const height = 130 + parts.reduce((sum, part) => sum + heightOf(part), 0);
  const scale = height > 6_000 ? 1 : 2;
  const canvas = h("canvas");
  canvas.width = WIDTH * scale;
  canvas.height = Math.min(height * scale, 16_000);
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.scale(scale, scale);
  context.fillStyle = colour("--ground");
  context.fillRect(0, 0, WIDTH, height);
  const pen = new Pen(context);
  pen.text(sheet.title, EDGE, 56, 26, "--ink", 600);
  pen.text(sheet.about, EDGE, 82, 14, "--muted");
  let top = 110;
  for (const part of parts) {
    pen.part(part, top);
    top += heightOf(part);
  }
  return canvas;
}

/** Draws parts of a sheet. */
class Pen {
  private readonly family = getComputedStyle(document.body).fontFamily;

  constructor(private readonly context: CanvasRenderingContext2D) {}

  text(text: string, x: number, y: number, size: number, ink: string, weight = 400, room = WIDTH - 2 * EDGE, align: CanvasTextAlign = "left"): void {
    const { context } = this;
    context.font = `${weight} ${size}px ${this.family}`;
    context.fillStyle = colour(ink);
    context.textAlign = align;
    let cut = shown(text);
    if (context.measureText(cut).width > room) {
      while (cut.length > 1 && context.measureText(`${cut}…`).width > room) cut = cut.slice(0, -1);
      cut += "…";
    }
    context.fillText(cut, x, y);
  }

  part(part: SheetPart, top: number): void {
    this.text(part.title, EDGE, top + 24, 15, "--ink", 600);
    if (part.kind === "figures") this.figures(part, top + 40);
    else if (part.kind === "table") this.table(part, top + 40);
    else this.picture(part, top + 36);
  }

  private figures(part: SheetPart & { kind: "figures" }, top: number): void {
    const width = (WIDTH - 2 * EDGE) / 5;
    part.items.forEach((item, at) => {
      const [x, y] = [EDGE + (at % 5) * width, top + Math.floor(at / 5) * 64];
      this.text(item.label, x, y + 14, 12, "--muted", 400, width - 12);
      this.text(item.value, x, y + 40, 22, "--ink", 600, width - 12);
    });
  }

  private table(part: SheetPart & { kind: "table" }, top: number): void {
    const numbers = part.isNumber.filter(Boolean).length;
    const words = Math.max(1, part.isNumber.length - numbers);
    const narrow = Math.min(110, (WIDTH - 2 * EDGE) / Math.max(1, part.isNumber.length));
    const broad = (WIDTH - 2 * EDGE - numbers * narrow) / words;
    const line = (cells: readonly string[], y: number, ink: string): void => {
      let x = EDGE;
      cells.forEach((cell, at) => {
        const isNumber = part.isNumber[at] === true;
        const room = isNumber ? narrow : broad;
        this.text(cell, isNumber ? x + room - 8 : x, y, 13, ink, 400, room - 12, isNumber ? "right" : "left");
        x += room;
      });
    };
    line(part.header, top + 16, "--muted");
    this.context.fillStyle = colour("--line");
    this.context.fillRect(EDGE, top + 24, WIDTH - 2 * EDGE, 1);
    part.texts.slice(0, MOST_ROWS).forEach((row, at) => line(row, top + 42 + at * ROW, "--ink"));
    if (part.texts.length > MOST_ROWS) this.text(`and ${part.texts.length - MOST_ROWS} more; the CSV has all`, EDGE, top + 42 + MOST_ROWS * ROW, 13, "--muted");
  }

  private picture(part: SheetPart & { kind: "picture" }, top: number): void {
    const canvas = part.canvas();
    if (!canvas) return;
    let x = EDGE;
    for (const { label, colour: paintOf } of part.legend) {
      this.context.fillStyle = paintOf;
      this.context.fillRect(x, top + 1, 10, 10);
      this.text(label, x + 15, top + 11, 12, "--muted", 400, 150);
      x += Math.min(165, 30 + this.context.measureText(shown(label)).width);
      if (x > WIDTH - 180) break;
    }
    const width = WIDTH - 2 * EDGE;
    this.context.drawImage(canvas, EDGE, top + 24, width, (canvas.height / canvas.width) * width);
  }
}
