/* One thing at a time that the host may refuse: whether it is under way, and why the last one was refused. */
import { untrack } from "svelte";
import { ApiError } from "../api/client";

export class Attempt {
  busy = $state(false);
  failure = $state.raw<ApiError | null>(null);

  /** Does `action` unless another is under way; what the host refuses is kept, anything else is thrown. */
  async run(action: () => Promise<void>): Promise<void> {
    if (untrack(() => this.busy)) return; // an effect that begins one must not begin it again when it is over
    this.busy = true;
    try {
      await action();
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failure = error;
    } finally {
      this.busy = false;
    }
  }
}
