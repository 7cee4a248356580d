// A stand-in for the API, for work on the web app without a camera: real pictures from any H.264 file, invented events.
//   npm run build && npm run mock -- FILE.mp4 [gt.txt]      then open http://127.0.0.1:8091 (any name and password)
// gt.txt: MOTChallenge ground truth of that file, drawn as tracks. Needs ffmpeg and ffprobe on the path.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const [file, truth] = process.argv.slice(2);
if (!file || !existsSync(file)) {
  console.error("usage: npm run mock -- FILE.mp4 [gt.txt]");
  process.exit(2);
}
const PORT = Number(process.env.PORT ?? 8091);
const WEB = join(dirname(fileURLToPath(import.meta.url)), "../../src/eyespot/edge/api/web");
const SCHEMA = process.env.SCHEMA && JSON.parse(readFileSync(process.env.SCHEMA, "utf8"));
const COUNT = Number(process.env.CAMERAS ?? 4);
const MIME = 'video/mp4; codecs="avc1.64001f"';
const CSP = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

const probe = JSON.parse(execFileSync("ffprobe", ["-v", "error", "-show_streams", "-show_format", "-of", "json", file]));
const video = probe.streams.find((stream) => stream.codec_type === "video");
const [num, den] = video.r_frame_rate.split("/").map(Number);
const FPS = num / den;
const LENGTH_S = Number(probe.format.duration);
const FRAMES = Math.floor(LENGTH_S * FPS);
const startMs = Date.now();
const ns = (ms) => Math.round(ms) * 1e6;

const gt = new Map();
for (const row of truth ? readFileSync(truth, "utf8").trim().split("\n") : []) {
  const [frame, id, x, y, w, h] = row.split(",").map(Number);
  const box = [x / video.width, y / video.height, (x + w) / video.width, (y + h) / video.height];
  if (!gt.has(frame)) gt.set(frame, []);
  gt.get(frame).push({ id, label: "person", score: 0.9, box, velocity: [0, 0], state: "active", age_s: 3, zones: [] });
}

const NAMES = ["Front yard", "Car park", "Loading bay", "Stairwell", "Roof", "Gate"];
const cameras = Array.from({ length: COUNT }, (_, i) => ({
  id: `cam-${i + 1}`, name: NAMES[i % NAMES.length], enabled: i !== 3, state: i === 3 ? "off" : "live", error: null,
  streams: [{ name: "main", codec: "h264", width_px: video.width, height_px: video.height, fps: FPS, bitrate_bps: Number(video.bit_rate ?? 1e6) }],
  recording: { mode: "continuous", state: "recording", bytes: 48_300_000_000 / (i + 1), oldest_ns: ns(startMs - 7 * 86400e3) },
  vision: { state: "running", rate_hz: 4.9, moving: true, tracks: 6 - i, latency_ms: 120 }, labels: ["person", "bicycle", "car", "dog"],
}));
const rules = Object.fromEntries(cameras.map((camera) => [camera.id, {
  zones: [{ name: "Lawn", points: [[0.52, 0.36], [0.93, 0.4], [0.97, 0.75], [0.6, 0.66]], labels: ["person"], loiter_s: 20, max_objects: null }],
  lines: [{ name: "Path", a: [0.1, 0.62], b: [0.44, 0.44], labels: [] }],
  masks: [{ name: "Window", points: [[0.05, 0.05], [0.2, 0.05], [0.2, 0.25], [0.05, 0.25]] }],
}]));

let nextEvent = 1;
function makeEvent(camera, startAt, { live = false } = {}) {
  const n = nextEvent++;
  const frame = 20 + ((n * 37) % (FRAMES - 80));
  const tracks = gt.get(frame) ?? [];
  const track = tracks[n % Math.max(1, tracks.length)];
  const kind = ["object", "zone", "line", "loiter", "object", "object"][n % 6];
  const health = n % 17 === 0;
  const path = track ? Array.from({ length: 50 }, (_, k) => gt.get(frame - 20 + k)?.find((item) => item.id === track.id)).filter(Boolean).map((item, k) => ({ wall_ns: ns(startAt + k * 100), box: item.box })) : [];
  return {
    v: 1, id: `e${n}`, camera: camera.id, kind: health ? "blurred" : kind, label: health ? "" : "person", zone: kind === "zone" || kind === "loiter" ? "Lawn" : kind === "line" ? "Path" : "",
    start_wall_ns: ns(startAt), end_wall_ns: live ? null : ns(startAt + 3000 + (n % 9) * 2400), score: 0.6 + (n % 4) / 10, best_wall_ns: ns(startAt + 1000), best_box: track?.box ?? null,
    picture: health ? "" : `x/${n}.jpg`, track: n, path, detail: kind === "line" ? { direction: n % 2 ? "in" : "out", count_in: n } : {}, frame,
  };
}
const events = [];
for (let i = 0; i < 160; i += 1) events.push(makeEvent(cameras[i % Math.min(3, COUNT)], startMs - i * 173e3 - 20e3));
const eventSockets = new Set();
setInterval(() => {
  const event = makeEvent(cameras[0], Date.now(), { live: true });
  events.unshift(event);
  const tell = () => eventSockets.forEach((socket) => socket.send(JSON.stringify(event)));
  tell();
  setTimeout(() => { event.end_wall_ns = ns(Date.now()); tell(); }, 6000);
}, 12_000);

let config = { host: { name: "mock" }, camera: cameras.map((camera) => ({ id: camera.id, name: camera.name, stream: [{ source: "rtsp://***@192.0.2.10/main" }] })) };
let etag = 1;
let signedIn = process.env.SIGNED_IN === "1";
const tokens = [];

function ffmpeg(args, answer, headers) {
  const child = spawn("ffmpeg", ["-v", "error", ...args, "pipe:1"], { stdio: ["ignore", "pipe", "inherit"] });
  if (answer) {
    answer.writeHead(200, headers);
    child.stdout.pipe(answer);
    answer.on("close", () => child.kill("SIGKILL"));
  }
  return child;
}
const picture = (answer, at_s, width) => ffmpeg(["-ss", String(at_s), "-i", file, "-frames:v", "1", "-vf", `scale=${Number(width) || 640}:-2`, "-f", "mjpeg"], answer, { "Content-Type": "image/jpeg", "Cache-Control": "max-age=60" });
const FRAGMENTED = ["-c", "copy", "-an", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov+default_base_moof"];
const clip = (answer, from_ms, seconds, extra = {}) => ffmpeg(["-stream_loop", "-1", "-ss", String((from_ms / 1000) % (LENGTH_S - 5)), "-i", file, "-t", String(seconds), ...FRAGMENTED], answer, { "Content-Type": "video/mp4", "X-Eyespot-Mime": MIME, ...extra });

function json(answer, body, status = 200) {
  answer.writeHead(status, { "Content-Type": "application/json" });
  answer.end(JSON.stringify(body));
}
const refuse = (answer, status, what, todo = "") => json(answer, { error: { kind: "invalid", what, todo } }, status);

async function api(path, url, request, answer) {
  const q = url.searchParams;
  const body = request.method === "GET" ? null : await new Promise((done) => { let text = ""; request.on("data", (part) => (text += part)); request.on("end", () => done(text ? JSON.parse(text) : {})); });
  const me = { user: { name: "owner", role: "admin" }, csrf: "mock" };
  if (path === "setup") return json(answer, request.method === "GET" ? { needed: process.env.SETUP === "1" } : me);
  if (path === "session" && request.method === "POST") {
    if (body.password === "wrong") return refuse(answer, 401, "User name and password do not match.", "Check capital letters and try again.");
    signedIn = true;
    return json(answer, me);
  }
  if (!signedIn) return refuse(answer, 401, "Sign in first.");
  if (path === "session") { signedIn = request.method !== "DELETE"; return json(answer, me); }
  if (path === "cameras") return json(answer, { cameras: cameras.map((camera) => ({ ...camera, vision: { ...camera.vision, latency_ms: 90 + Math.random() * 70 } })) });
  if (path === "status") return json(answer, status());
  if (path === "tokens") { if (body) tokens.push({ id: String(tokens.length), name: body.name, created_ns: ns(Date.now()), last_used_ns: null }); return json(answer, body ? { token: "eyt_mock_token_shown_once", ...tokens.at(-1) } : { tokens }); }
  if (path === "config/schema") return json(answer, SCHEMA ?? { type: "object", properties: { host: { type: "object", properties: { name: { type: "string", default: "eyespot" } } } } });
  if (path === "config") { if (body) { if (JSON.stringify(body.document).includes("bad")) return refuse(answer, 422, "config.toml: camera.0.stream.0.source: 'bad' is no source; camera.0.id: taken.", "Correct it and try again."); config = body.document; etag += 1; } return json(answer, { document: config, etag: String(etag) }); }
  if (path === "events") return listEvents(q, answer);
  let match = /^events\/(\w+)(?:\/(picture\.jpg|clip\.mp4))?$/.exec(path);
  if (match) {
    const event = events.find((item) => item.id === match[1]);
    if (!event) return refuse(answer, 404, "No such event.");
    if (match[2] === "picture.jpg") return picture(answer, event.frame / FPS, 960);
    return match[2] ? clip(answer, (event.frame / FPS) * 1000, 8) : json(answer, event);
  }
  match = /^cameras\/([\w-]+)(?:\/(.+))?$/.exec(path);
  const camera = match && cameras.find((item) => item.id === match[1]);
  return camera ? cameraCall(camera, match[2], q, body, answer) : refuse(answer, 404, "No such thing.");
}

function cameraCall(camera, what, q, body, answer) {
  const from = Number(q.get("from_ns")) / 1e6;
  const to = Number(q.get("to_ns")) / 1e6;
  const now_s = ((Date.now() - startMs) / 1000) % LENGTH_S;
  if (what === "snapshot.jpg") return picture(answer, now_s, q.get("width"));
  if (what === "thumbnail.jpg") return picture(answer, (Number(q.get("at_ns")) / 1e9) % (LENGTH_S - 5), q.get("width"));
  if (what === "playback") return clip(answer, from, Math.min(7200, (to - from) / 1000), { "X-Eyespot-Start-Ns": q.get("from_ns") });
  if (what === "export.mp4") return clip(answer, from, (to - from) / 1000);
  if (what === "rules") { if (body) rules[camera.id] = body; return json(answer, rules[camera.id]); }
  if (what === "timeline") {
    const parts = [[startMs - 5 * 3600e3, startMs - 3 * 3600e3], [startMs - 2.6 * 3600e3, startMs - 40 * 60e3], [startMs - 36 * 60e3, Date.now()]];
    const coverage = parts.filter(([a, b]) => b > from && a < to).map(([a, b]) => ({ from_ns: ns(a), to_ns: ns(b) }));
    const own = events.filter((event) => event.camera === camera.id && event.start_wall_ns / 1e6 > from && event.start_wall_ns / 1e6 < to);
    return json(answer, { coverage, events: own.map((event) => ({ id: event.id, kind: event.kind, label: event.label, start_ns: event.start_wall_ns, end_ns: event.end_wall_ns })) });
  }
  return json(answer, camera);
}

function listEvents(q, answer) {
  const wanted = events.filter((event) => ["camera", "kind", "label", "zone"].every((key) => !q.get(key) || event[key] === q.get(key)) && (!q.get("to_ns") || event.start_wall_ns < Number(q.get("to_ns"))) && (!q.get("from_ns") || event.start_wall_ns >= Number(q.get("from_ns"))));
  const at = q.get("before") ? wanted.findIndex((event) => event.id === q.get("before")) + 1 : 0;
  const page = wanted.slice(at, at + Number(q.get("limit") ?? 50));
  json(answer, { events: page, next: at + page.length < wanted.length ? page.at(-1).id : null });
}

function status() {
  const process = (role, cpu, rss) => ({ v: 1, role, pid: 100, wall_ns: ns(Date.now()), uptime_s: (Date.now() - startMs) / 1000 + 93_000, fresh: true, totals: { cpu_percent: cpu, rss_bytes: rss }, cameras: { "cam-1": { packets: 81_233, dropped: 0, latency_ms: 118.2 } } });
  return {
    host: "mock", version: "0.1.0", uptime_s: 93_000, processes: [process("supervisor", 0, 31e6), process("media", 4, 72e6), process("vision", 38, 160e6), process("api", 1, 88e6)],
    storage: { roots: [{ path: "/srv/eyespot/hot", tier: "hot", ok: true, total_bytes: 512e9, free_bytes: 131e9, min_free_bytes: 2e9 }, { path: "/mnt/cold", tier: "cold", ok: true, total_bytes: 4e12, free_bytes: 0.29e12, min_free_bytes: 2e9 }] },
    cameras: Object.fromEntries(cameras.map((camera) => [camera.id, camera])), doctor: [{ what: "/mnt/cold is nearly full.", todo: "Free space on that disk." }],
  };
}

function live(socket) {
  const child = spawn("ffmpeg", ["-v", "error", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-an", "-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof", "-flush_packets", "1", "pipe:1"]);
  socket.send(JSON.stringify({ type: "mse", value: MIME, base_capture_ns: 0, base_wall_ns: ns(Date.now()), aspect: video.width / video.height }));
  child.stdout.on("data", (data) => socket.readyState === 1 && socket.send(data));
  const began = performance.now();
  const timer = setInterval(() => {
    const frame = Math.floor(((performance.now() - began) / 1000) * FPS);
    socket.send(JSON.stringify({ type: "tracks", t_s: frame / FPS, moving: true, tracks: gt.get((frame % FRAMES) + 1) ?? [] }));
  }, 200);
  socket.on("close", () => { clearInterval(timer); child.kill("SIGKILL"); });
}

const server = createServer((request, answer) => {
  const url = new URL(request.url, "http://mock");
  if (url.pathname.startsWith("/api/v1/")) return void api(url.pathname.slice(8), url, request, answer).catch((error) => refuse(answer, 500, String(error)));
  let path = join(WEB, normalize(url.pathname));
  if (!existsSync(path) || !statSync(path).isFile()) path = join(WEB, "index.html");
  answer.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": CSP });
  answer.end(readFileSync(path));
});
const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => sockets.handleUpgrade(request, socket, head, (ws) => {
  if (request.url.includes("/events/live")) {
    eventSockets.add(ws);
    ws.on("close", () => eventSockets.delete(ws));
  } else ws.once("message", () => live(ws));
}));
server.listen(PORT, "127.0.0.1", () => console.log(`http://127.0.0.1:${PORT}`));
