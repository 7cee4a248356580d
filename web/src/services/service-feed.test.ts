import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ServiceFeed } from "./service-feed.svelte";

class FakeSocket {
  static made: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.made.push(this);
  }
  close(): void {
    this.onclose?.();
  }
  say(value: unknown): void {
    this.onmessage?.({ data: typeof value === "string" ? value : JSON.stringify(value) });
  }
}

let asked = 0;
beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.made = [];
  asked = 0;
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("location", { href: "http://camera.test/services/counter" });
  vi.stubGlobal("document", { visibilityState: "visible" });
  vi.stubGlobal("fetch", () => {
    asked += 1;
    return Promise.resolve(new Response(JSON.stringify({ name: "counter", version: `asked ${asked}`, live: null })));
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a service that is looked at", () => {
  it("is asked for until it is pushed, and again when that ends", async () => {
    const feed = new ServiceFeed("/services/counter");
    const leave = feed.follow();
    await vi.advanceTimersByTimeAsync(1600);
    expect([asked, feed.service?.version, FakeSocket.made[0]?.url]).toEqual([2, "asked 2", "ws://camera.test/api/v1/services/counter/live"]);
    const socket = FakeSocket.made[0] as FakeSocket;
    socket.onopen?.();
    socket.say({ type: "service", service: { name: "counter", version: "pushed", live: null } });
    socket.say({ type: "live", live: { wall_ns: 1, values: { people: 3 } } });
    for (const nonsense of ["{", "3", '{"type": "more"}']) socket.say(nonsense);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([asked, feed.pushed, feed.service?.version, feed.service?.live?.values]).toEqual([2, true, "pushed", { people: 3 }]);
    socket.onclose?.();
    await vi.advanceTimersByTimeAsync(1600);
    expect([asked, feed.pushed]).toEqual([3, false]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.made.length, "it is opened again by itself").toBeGreaterThan(1);
    leave();
    const before = [asked, FakeSocket.made.length];
    await vi.advanceTimersByTimeAsync(60_000);
    expect([asked, FakeSocket.made.length]).toEqual(before);
  });
});
