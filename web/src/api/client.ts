/** One function for every HTTP call; turns every failure into an ApiError that says what happened and what to do. Keeps no state but the CSRF token. */
import { t } from "../text";

export const API = "/api/v1";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly what: string,
    readonly todo: string,
  ) {
    super(what);
    this.name = "ApiError";
  }
}

let csrf = "";
let onSignedOut: () => void = () => undefined;

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called once by the session store: a 401 anywhere means that the session is over. */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action;
}

function isErrorBody(value: unknown): value is { error: { kind?: unknown; what?: unknown; todo?: unknown } } {
  return typeof value === "object" && value !== null && typeof (value as { error?: unknown }).error === "object" && (value as { error: unknown }).error !== null;
}

async function failure(answer: Response): Promise<ApiError> {
  let body: unknown = null;
  try {
    body = await answer.json();
  } catch {
    // Not JSON: a proxy or a stopped server answered; the status alone has to do.
  }
  const error = isErrorBody(body) ? body.error : {};
  return new ApiError(
    answer.status,
    typeof error.kind === "string" ? error.kind : "unavailable",
    typeof error.what === "string" ? error.what : t.errors.status(answer.status),
    typeof error.todo === "string" ? error.todo : t.errors.tryAgain,
  );
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const method = init.method ?? "GET";
  const headers = new Headers(init.headers);
  if (method !== "GET") headers.set("X-CSRF-Token", csrf);
  let answer: Response;
  try {
    answer = await fetch(API + path, { ...init, headers, credentials: "same-origin", cache: init.cache ?? "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", t.errors.unreachable, t.errors.unreachableTodo);
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && path !== "/session" && path !== "/setup") onSignedOut();
  throw await failure(answer);
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(path, signal ? { signal } : {});
  return (await answer.json()) as T;
}

export async function sendJson<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { "Content-Type": "application/json" };
  }
  const answer = await request(path, init);
  const text = await answer.text();
  return (text === "" ? null : JSON.parse(text)) as T;
}

/** A path with a query; empty and null values are left out. */
export function withQuery(path: string, query: Record<string, string | number | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

export function socketUrl(path: string): string {
  const url = new URL(API + path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.toString();
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
