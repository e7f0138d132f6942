// The test's end of its source program (source.js): tells it what to play, and hears what the server commands.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const program = fileURLToPath(new URL("source.js", import.meta.url));

export class Station {
  /** What the server has told the source to do. */
  commands = [];
  #server;
  #directory;
  #files;
  /** One for each server, and the test may have more than one. */
  #sources = new Set();
  /** What a source that is started anew has to go on with. */
  #order = null;

  /** One tone for each frequency. */
  static async open(...frequencies) {
    const station = new Station();
    station.#directory = await mkdtemp(join(tmpdir(), "eradio-station-"));
    station.#files = await Promise.all(frequencies.map((hz) => tone(station.#directory, hz)));
    station.#server = createServer((socket) => station.#connected(socket));
    station.#server.listen(0, "127.0.0.1");
    await once(station.#server, "listening");
    return station;
  }

  /** For eradiod's `--source`. */
  get commandLine() {
    const { port } = this.#server.address();
    return [process.execPath, program, String(port), ...this.#files].map((word) => `'${word}'`).join(" ");
  }

  play(tone, name, uri = "") {
    this.#tell({ play: { tone, name, uri } });
  }

  stop() {
    this.#tell({ stop: true });
  }

  /** Whether some frames are nonsense, and others end in their middle. */
  spoil(spoilt) {
    for (const source of this.#sources) {
      source.write(`${JSON.stringify({ spoil: spoilt })}\n`);
    }
  }

  async close() {
    for (const source of this.#sources) {
      source.destroy();
    }
    this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #tell(order) {
    this.#order = order;
    for (const source of this.#sources) {
      source.write(`${JSON.stringify(order)}\n`);
    }
  }

  #connected(socket) {
    this.#sources.add(socket);
    socket.on("error", () => {}); // the source was killed
    socket.on("close", () => this.#sources.delete(socket));
    createInterface({ input: socket }).on("line", (line) => this.commands.push(JSON.parse(line).command));
    if (this.#order !== null) {
      socket.write(`${JSON.stringify(this.#order)}\n`);
    }
  }
}

/** Six seconds, the end of which fits their beginning; each frame stands alone. */
async function tone(directory, hz) {
  const file = join(directory, `${hz}.mp3`);
  const input = ["-f", "lavfi", "-i", `sine=frequency=${hz}:duration=6:sample_rate=48000`];
  const mp3 = ["-ac", "2", "-c:a", "libmp3lame", "-b:a", "128k", "-reservoir", "0"];
  const bare = ["-write_xing", "0", "-id3v2_version", "0", "-map_metadata", "-1"];
  try {
    await promisify(execFile)("ffmpeg", ["-v", "error", "-y", ...input, ...mp3, ...bare, file]);
  } catch (error) {
    throw new Error(`ffmpeg is needed to make the test's sounds: ${error.message}`);
  }
  return file;
}
