/** Colours: the system's unless a person chose otherwise on this device (public/theme.js applies it before the first paint). */

export type Theme = "system" | "dark" | "light";
const KEY = "eyespot.theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "dark" || value === "light" ? value : "system";
  } catch {
    return "system"; // Storage may be refused by the browser.
  }
}

class ThemeChoice {
  value = $state<Theme>(stored());

  set(theme: Theme): void {
    this.value = theme;
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    try {
      if (theme === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // Storage may be refused: the choice then lasts as long as the page.
    }
  }
}

export const theme = new ThemeChoice();
