// Tables as CSV (RFC 4180) that no spreadsheet takes for formulas.
// Must not: format numbers for people.

import { shown } from "./names.ts";

export type CsvCell = string | number | null;

/** A cell that begins like a formula, perhaps behind quotes or blanks. */
const FORMULA = /^[\s"'“”‘’]*[=+\-@＝＋－＠]|^[\t\r\n]/u;

/** Plain decimal digits; a spreadsheet must read the same number. */
function digits(n: number): string {
  if (!Number.isFinite(n)) return "";
  const text = String(n);
  if (!/e/i.test(text)) return text;
  return Math.abs(n) < 1 ? n.toFixed(12).replace(/0+$/, "").replace(/\.$/, "") : String(BigInt(n));
}

/** One cell, quoted where it must be. */
export function cell(value: CsvCell): string {
  if (value === null) return "";
  if (typeof value === "number") return digits(value);
  const safe = shown(FORMULA.test(value) ? `'${value}` : value);
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Rows under a header. */
export function csv(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
