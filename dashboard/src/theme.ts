// Light, dark, or as the system has it.
// Must not: colour anything itself; styles/tokens.css does.

const KEY = "cco-theme";
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((one) => one === kept) ?? "auto";
}

/** The next of the three; it is kept in this browser. */
export function turnTheme(): Theme {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length] ?? "auto";
  localStorage.setItem(KEY, next);
  wearTheme();
  return next;
}

export function wearTheme(): void {
  document.documentElement.dataset["theme"] = theme();
}

/** The value of a colour of the present theme. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888";
