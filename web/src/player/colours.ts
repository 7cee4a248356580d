/** Colours on the picture: one hue per label, so that a person is the same colour in live view, timeline and review. */

const KNOWN: Record<string, string> = {
  person: "#ffc44d",
  bicycle: "#7fd4ff",
  car: "#6fb1ff",
  motorcycle: "#9aa8ff",
  bus: "#4f9bff",
  truck: "#5aa0e8",
  dog: "#ff9ecb",
  cat: "#ffa8a0",
  bird: "#c7f0a0",
};
const OTHERS = ["#7be0b5", "#e0a5ff", "#ffb37a", "#9ee6e6", "#d8d36c", "#f3a0a8"];
const HEALTH = "#ff8a80";

export function labelColour(label: string): string {
  if (label === "") return HEALTH;
  const known = KNOWN[label];
  if (known) return known;
  let sum = 0;
  for (const letter of label) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return OTHERS[sum % OTHERS.length] as string;
}
