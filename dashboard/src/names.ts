// How names of others are shown: what cannot be seen, or passes for something else, is written out.
// Must not: touch the page. Every text of the page, its title, its charts and its files goes through `shown`.

/** Controls, bidi controls, zero-width and other invisible characters, lone surrogates. */
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb]|[\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;
const WORD = /[\p{L}\p{M}]+/gu;
const LATIN = /\p{Script=Latin}/u;
/** Scripts with letters that look like Latin ones. */
const LOOKALIKE = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/gu;

const point = (text: string): string =>
  `⟨U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

/** A text as it may be shown: hidden characters, and lookalikes inside Latin words, as ⟨U+202E⟩. */
export function shown(text: string): string {
  const seen = text.replace(HIDDEN, point);
  return seen.replace(WORD, (word) => (LATIN.test(word) ? word.replace(LOOKALIKE, point) : word));
}

/** What calls without a name are called, here and by the API's filters. */
export const UNKNOWN = "unknown";

/** A name of the data; none is “unknown”. */
export function named(name: string | null | undefined): string {
  return name ? name : UNKNOWN;
}

/** The last part of a path, which is what people call a project. */
export function lastPart(path: string): string {
  const parts = path.split(/[/\\]/).filter((part) => part !== "");
  return parts[parts.length - 1] ?? path;
}

/** What projects are called, by path: by their last folder, namesakes by as much more of their paths as tells them apart. */
export function projectNames(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  let alike = new Set(paths);
  for (let folders = 1; alike.size > 0; folders++) {
    const shown = [...alike].map((path) => ({ path, name: named(tail(path, folders)) }));
    const often = new Map<string, number>();
    for (const { name } of shown) often.set(name, (often.get(name) ?? 0) + 1);
    alike = new Set();
    for (const { path, name } of shown) {
      if ((often.get(name) ?? 0) > 1 && tail(path, folders) !== tail(path, folders + 1)) alike.add(path);
      else names.set(path, name);
    }
  }
  return names;
}

/** The last so many folders of a path; all of it, where it has no more. */
function tail(path: string, folders: number): string {
  const whole = path.replace(/[/\\]+$/, "");
  const at = [...whole.matchAll(/[/\\]/g)].at(-folders)?.index;
  return at === undefined ? path : whole.slice(at + 1);
}

/** A text as one argument of a command: between single quotes, unless a shell reads it as it stands. */
export const inShell = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The parts of a path, each with the slashes behind it. */
export const steps = (path: string): string[] => path.match(/[^/\\]*[/\\]+|[^/\\]+$/g) ?? [];

/** The target of a link, where it may be one: http, https or a path of this page. */
export function linkTarget(url: string): string | null {
  if (/[\u0000-\u0020\u007f\\]/.test(url)) return null;
  if (/^https?:\/\/[^/]/i.test(url)) return url;
  if (/^[?#]/.test(url) || /^\/(?!\/)/.test(url)) return url;
  return null;
}
