// A source program for tests, which does what it is told: plays one of a few tones, changes the track, stops, goes on.
// Speaks the source protocol with the server, and lines of JSON over TCP with the test.
//
//   node source.js PORT FILE…      the test's port; MP3 files of 48 kHz and 128 kbit/s, whose frames have 384 bytes

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const frameBytes = 384;
const frameMs = 24;
const [port, ...files] = process.argv.slice(2);
const tones = files.map((file) => readFileSync(file));

let tone = 0;
let at = 0;
let track = { uri: "", name: "" };
let playing = false;
let spoilt = false;
let count = 0;

// The server has gone: end quietly.
process.stdout.on("error", () => process.exit(0));

function send(type, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + body.length);
  head.writeUInt8(type, 4);
  process.stdout.write(Buffer.concat([head, body]));
}

function text(value) {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function started() {
  playing = true;
  send(3, text(track.uri), text(track.name));
}

function stopped() {
  playing = false;
  send(4);
}

const test = connect({ host: "127.0.0.1", port: Number(port) });
test.on("close", () => process.exit(0));
createInterface({ input: test }).on("line", (line) => {
  const order = JSON.parse(line);
  if (order.play) {
    ({ tone } = order.play);
    track = order.play;
    at = 0;
    started();
  } else if (order.stop) {
    stopped();
  } else {
    spoilt = order.spoil;
  }
});

const commands = { 1: "play", 2: "pause", 3: "previous", 4: "next" };
process.stdin.on("data", (bytes) => {
  for (const byte of bytes) {
    test.write(`${JSON.stringify({ command: commands[byte] ?? byte })}\n`);
  }
});
// The server's end of the pipe closes with it.
process.stdin.on("end", () => process.exit(0));

/** The next frame; of a stream that is spoilt each twentieth is nonsense, and each thirtieth only half there. */
function frame() {
  const whole = tones[tone].subarray(at, at + frameBytes);
  count += 1;
  if (spoilt && count % 20 === 0) {
    return randomBytes(frameBytes);
  }
  return spoilt && count % 30 === 7 ? whole.subarray(0, frameBytes / 2) : whole;
}

let next = performance.now();
setInterval(() => {
  const now = performance.now();
  if (now - next > 500) {
    next = now; // held up for long: nobody wants the whole of it at once
  }
  for (; next <= now; next += frameMs) {
    if (playing) {
      send(2, frame());
      at = (at + frameBytes) % tones[tone].length;
    }
  }
}, 4);
