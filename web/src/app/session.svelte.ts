/** Who is signed in. */
import { ApiError, getJson, sendJson, setCsrf, whenSignedOut } from "../api/client";
import type { SessionAnswer, User } from "../api/types";
import { route } from "./router.svelte";

class Session {
  user = $state<User | null>(null);
  /** Until the first answer nothing is shown, so that the sign-in page never flashes. */
  ready = $state(false);
  needsSetup = $state(false);
  failure = $state<ApiError | null>(null);

  constructor() {
    whenSignedOut(() => {
      this.user = null;
    });
  }

  async start(): Promise<void> {
    this.failure = null;
    try {
      this.accept(await getJson<SessionAnswer>("/session"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401 || error.status === 403) await this.#askSetup();
      else this.failure = error;
    }
    this.ready = true;
  }

  async #askSetup(): Promise<void> {
    try {
      this.needsSetup = (await getJson<{ needed: boolean }>("/setup")).needed;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    }
  }

  accept(answer: SessionAnswer): void {
    setCsrf(answer.csrf);
    this.user = answer.user;
    this.needsSetup = false;
  }

  async signIn(username: string, password: string): Promise<void> {
    this.accept(await sendJson<SessionAnswer>("POST", "/session", { username, password }));
    if (route.page === "signin" || route.page === "setup") route.go("/live", { replace: true });
  }

  async setUp(token: string, username: string, password: string): Promise<void> {
    this.accept(await sendJson<SessionAnswer>("POST", "/setup", { token, username, password }));
    route.go("/live", { replace: true });
  }

  async signOut(): Promise<void> {
    await sendJson("DELETE", "/session");
    this.user = null;
    setCsrf("");
    route.go("/signin", { replace: true });
  }
}

export const session = new Session();
