/** Short messages that confirm or warn and leave by themselves. */

export interface Toast {
  id: number;
  tone: "good" | "bad" | "plain";
  text: string;
  todo: string;
}

const SHOWN_MS = 6000;
const MOST = 4;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  show(text: string, tone: Toast["tone"] = "plain", todo = ""): void {
    const toast = { id: this.#next++, tone, text, todo };
    this.list = [...this.list.slice(1 - MOST), toast];
    setTimeout(() => this.dismiss(toast.id), tone === "bad" ? SHOWN_MS * 2 : SHOWN_MS);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
