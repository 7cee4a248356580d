// A service without the SDK: the NATS text protocol over the Unix socket, and JSON. Node 20, no library.
// Protocol: NATS, "Client Protocol". What is said: docs/design/services.md.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

const MAX_WAITING_BYTES = 1 << 20;
const MAX_REMEMBERED = 1000;
const BEAT_MS = 2000;
const AGAIN_MS = 500;
const run = process.env.EYESPOT_RUN ?? "/run/eyespot";
const told = JSON.parse(readFileSync(`${run}/service.json`, "utf8"));
const base = `eyespot.service.${told.name}`;
const began = process.hrtime.bigint();
const seen = new Set();
let events = 0;
let errors = 0;
let socket = null;

// 48 bits of milliseconds and 80 random ones, in 26 characters of Crockford's base 32.
function newId(wallNs) {
  let value = ((wallNs / 1_000_000n) << 80n) | BigInt(`0x${randomBytes(10).toString("hex")}`);
  let text = "";
  for (let at = 0; at < 26; at += 1, value >>= 5n) text = "0123456789abcdefghjkmnpqrstvwxyz"[Number(value & 31n)] + text;
  return text;
}

// JSON text with nanoseconds as whole numbers: they are larger than what Number keeps exactly.
function say(kind, text) {
  if (socket === null || socket.writableLength > MAX_WAITING_BYTES) return;
  socket.write(`PUB ${base}.${kind} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
}

function beat() {
  const uptime = Number(process.hrtime.bigint() - began) / 1e9;
  say("beat", JSON.stringify({ v: 1, version: told.version, uptime_s: uptime, events, errors }));
}

function takeTracks(message) {
  for (const track of message.tracks) {
    if (seen.has(track.id)) continue;
    if (seen.size >= MAX_REMEMBERED) seen.delete(seen.values().next().value);
    seen.add(track.id);
    const wallNs = BigInt(message.wall_ns);
    const rest = { id: newId(wallNs), kind: "seen", camera: message.camera, track: track.id, detail: { label: track.label } };
    say("event", `{"v":1,"start_wall_ns":${wallNs},"end_wall_ns":${wallNs},${JSON.stringify(rest).slice(1)}`);
    events += 1;
  }
}

// Takes whole messages off the front of what was received, returns what is left.
function handle(received) {
  for (;;) {
    const end = received.indexOf("\r\n");
    if (end < 0) return received;
    const words = received.subarray(0, end).toString().split(" ");
    if (words[0] === "MSG") {
      const size = Number(words.at(-1));
      if (received.length < end + size + 4) return received;
      try {
        takeTracks(JSON.parse(received.subarray(end + 2, end + 2 + size).toString()));
      } catch (error) {
        errors += 1;
        console.error(`a message is not used: ${error.message}`);
      }
      received = received.subarray(end + size + 4);
      continue;
    }
    if (words[0] === "PING") socket.write("PONG\r\n");
    if (words[0] === "-ERR") console.error(words.join(" "));
    received = received.subarray(end + 2);
  }
}

function join() {
  let received = Buffer.alloc(0);
  const joined = connect(`${run}/bus.sock`, () => {
    socket = joined;
    joined.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, lang: "js", name: told.name })}\r\n`);
    told.cameras.forEach((camera, at) => joined.write(`SUB eyespot.tracks.${camera} ${at + 1}\r\n`));
    beat();
  });
  joined.on("data", (data) => {
    received = handle(Buffer.concat([received, data]));
  });
  joined.on("error", () => {});
  joined.on("close", () => {
    socket = null;
    setTimeout(join, AGAIN_MS);
  });
}

process.on("SIGTERM", () => process.exit(0));
setInterval(beat, BEAT_MS);
join();
