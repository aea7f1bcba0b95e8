import assert from "node:assert/strict";
import { test } from "node:test";

import { cell, csv } from "../src/csv.ts";

test("what a spreadsheet would take for a formula gets an apostrophe", () => {
  for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\"=1", " =1", "  \"  @x", "'=1", "＝1"]) {
    assert.match(cell(text), /^"?'/, JSON.stringify(text));
  }
  // Tabs and carriage returns are written out besides.
  assert.equal(cell("\t=1"), "'⟨U+0009⟩=1");
  assert.equal(cell("\rx"), "'⟨U+000D⟩x");
});

test("numbers stay numbers, also small, large and negative ones", () => {
  assert.deepEqual([0, -3.5, 0.000000001, 1e21, 123456789012, NaN].map(cell), ["0", "-3.5", "0.000000001", "1000000000000000000000", "123456789012", ""]);
});

test("commas, quotes and blanks at the ends are quoted; nothing is empty", () => {
  assert.deepEqual(["a,b", 'say "x"', " a ", "plain", ""].map(cell), ['"a,b"', '"say ""x"""', '" a "', "plain", ""]);
  assert.equal(cell(null), "");
});

test("a table has a header and lines that end as the standard says", () => {
  assert.equal(csv(["a", "b"], [["x", 1], ["=y", null]]), "a,b\r\nx,1\r\n'=y,\r\n");
});
