/** Pointer and wheel on the time axis: click to go, drag to look around, drag the cursor or an export handle, pinch or scroll to zoom. */

export interface AxisActions {
  /** What lies at x: an export handle, the cursor, or nothing special. */
  grip(x: number): "cursor" | "from" | "to" | null;
  pan(dx: number): void;
  zoom(x: number, factor: number): void;
  seek(x: number, final: boolean): void;
  select(edge: "from" | "to", x: number): void;
  hover(x: number | null): void;
}

const CLICK_PX = 4;

export function axisGestures(element: HTMLElement, actions: AxisActions): () => void {
  const pointers = new Map<number, number>();
  let grip: "cursor" | "from" | "to" | null = null;
  let travelled = 0;
  let pinch = 0;
  const xOf = (event: MouseEvent): number => event.clientX - element.getBoundingClientRect().left;

  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, xOf(event));
    travelled = 0;
    pinch = 0;
    grip = pointers.size === 1 ? actions.grip(xOf(event)) : null;
    actions.hover(null);
  };
  const move = (event: PointerEvent): void => {
    const x = xOf(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") actions.hover(x);
      return;
    }
    pointers.set(event.pointerId, x);
    travelled += Math.abs(x - before);
    if (pointers.size === 2) {
      const [a = 0, b = 0] = [...pointers.values()];
      const apart = Math.max(20, Math.abs(a - b));
      if (pinch > 0) actions.zoom((a + b) / 2, pinch / apart);
      pinch = apart;
    } else if (grip === "cursor") actions.seek(x, false);
    else if (grip) actions.select(grip, x);
    else if (travelled > CLICK_PX) actions.pan(before - x);
  };
  const up = (event: PointerEvent): void => {
    if (!pointers.delete(event.pointerId)) return;
    const x = xOf(event);
    if (event.type === "pointerup" && (grip === "cursor" || (grip === null && travelled <= CLICK_PX))) actions.seek(x, true);
    grip = null;
    pinch = 0;
  };
  const leave = (): void => actions.hover(null);
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (sideways) actions.pan(event.deltaX || event.deltaY);
    else actions.zoom(xOf(event), Math.exp(Math.max(-120, Math.min(120, event.deltaY)) * 0.003));
  };

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  element.addEventListener("wheel", wheel, { passive: false });
  return () => {
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    element.removeEventListener("wheel", wheel);
  };
}
