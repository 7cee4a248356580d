/** Which page the address names. Nine flat pages need no library: path segments, a query, and history. */

export const PAGES = ["live", "review", "timeline", "zones", "services", "health", "settings", "signin", "setup"] as const;
export type PageName = (typeof PAGES)[number];

function parse(path: string): { page: PageName; arg: string } {
  const [first = "", second = ""] = path.split("/").filter(Boolean);
  const page = PAGES.find((name) => name === first) ?? "live";
  let arg = "";
  try {
    arg = decodeURIComponent(second);
  } catch {
    // A broken escape in a typed address names nothing.
  }
  return { page, arg };
}

class Route {
  page = $state<PageName>("live");
  arg = $state("");
  query = $state(new URLSearchParams());
  /** Asked before leaving a page with unsaved work; answers true to go. */
  guard: (() => boolean) | null = null;

  constructor() {
    this.#read();
    addEventListener("popstate", () => this.#read());
    document.addEventListener("click", (event) => this.#onClick(event));
  }

  #read(): void {
    const { page, arg } = parse(location.pathname);
    this.page = page;
    this.arg = arg;
    this.query = new URLSearchParams(location.search);
  }

  go(address: string, { replace = false } = {}): void {
    if (this.guard && !this.guard()) return;
    this.guard = null;
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    const before = this.page;
    this.#read();
    if (this.page !== before) scrollTo(0, 0);
  }

  /** Changes the query of this page without adding to history. */
  setQuery(values: Record<string, string>): void {
    const next = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(values)) {
      if (value === "") next.delete(key);
      else next.set(key, value);
    }
    const text = next.toString();
    history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
    this.query = next;
  }

  #onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname.startsWith("/api/") || link.hash) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const route = new Route();
