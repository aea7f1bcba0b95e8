// Where the focus is, kept while what has it is drawn anew.
// Must not: move the focus to anything that did not have it. Elements have names for this: `data-keep`.

export interface Kept { key: string; from: number | null; to: number | null }

/** What has the focus, by its name, and where in its text. */
export function keep(): Kept | null {
  const active = document.activeElement;
  const key = active instanceof HTMLElement ? active.dataset["keep"] : undefined;
  if (!key) return null;
  const isText = active instanceof HTMLInputElement && /text|search/.test(active.type);
  return { key, from: isText ? active.selectionStart : null, to: isText ? active.selectionEnd : null };
}

export function restore(kept: Kept | null): void {
  if (!kept) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-keep]")) {
    if (element.dataset["keep"] !== kept.key) continue;
    if (element === document.activeElement) return;
    element.focus({ preventScroll: true });
    if (kept.from !== null && element instanceof HTMLInputElement) element.setSelectionRange(kept.from, kept.to);
    return;
  }
}
