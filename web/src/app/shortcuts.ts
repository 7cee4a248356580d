/** Keyboard shortcuts: single keys and two-key sequences ("g l"), never while somebody types. */

const SEQUENCE_MS = 1200;
const TYPING = "input, textarea, select, [contenteditable='true']";

let pending = "";
let pendingAt = 0;

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element) || !target.matches(TYPING)) return false;
  return !(target instanceof HTMLInputElement && ["checkbox", "range", "radio", "button"].includes(target.type));
}

/** Name of a key press as the maps below write it: `f`, `Shift+ArrowLeft`, `Ctrl+s`. Shift is left out for printable keys. */
export function keyName(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  const shift = event.shiftKey && (event.key.length > 1 || control) ? "Shift+" : "";
  return control + shift + (event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : event.key === " " ? "Space" : event.key);
}

/** Listens until the returned function is called. A handler that answers false leaves the key to the browser. */
export function onShortcut(map: Record<string, (event: KeyboardEvent) => unknown>): () => void {
  const listener = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.altKey) return;
    const name = keyName(event);
    if (isTyping(event.target) && !name.startsWith("Ctrl+")) return;
    if (document.querySelector("dialog[open]") && name !== "Escape") return;
    const now = event.timeStamp;
    const sequence = pending && now - pendingAt < SEQUENCE_MS ? `${pending} ${name}` : "";
    const action = map[sequence] ?? (sequence ? undefined : map[name]);
    if (name === "g" && !sequence) {
      pending = "g";
      pendingAt = now;
    } else queueMicrotask(() => (pending = ""));
    if (action && action(event) !== false) event.preventDefault();
  };
  addEventListener("keydown", listener);
  return () => removeEventListener("keydown", listener);
}
