import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` sends API calls: a running camera, or the mock in dev/. */
const api = process.env["EYESPOT_API"] ?? "http://127.0.0.1:8091";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "../src/eyespot/edge/api/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: api, ws: true, secure: false } } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
