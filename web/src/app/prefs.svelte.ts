/** Small choices remembered on this device. */

const KEY = "eyespot.overlay";

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true; // Storage may be refused by the browser.
  }
}

class Prefs {
  overlay = $state(stored());

  toggleOverlay(): void {
    this.overlay = !this.overlay;
    try {
      localStorage.setItem(KEY, this.overlay ? "on" : "off");
    } catch {
      // Then the choice lasts as long as the page.
    }
  }
}

export const prefs = new Prefs();
