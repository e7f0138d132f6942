// The real server, from the installed tree that ERADIO_INSTALLED_TREE names.

import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { start, stop, until } from "./processes.js";

export async function installedTree() {
  const tree = process.env["ERADIO_INSTALLED_TREE"];
  if (!tree) {
    throw new Error("ERADIO_INSTALLED_TREE must name an installed tree of eradio (cmake --install … --prefix TREE)");
  }
  await access(join(tree, "sbin/eradiod")).catch(() => {
    throw new Error(`ERADIO_INSTALLED_TREE: there is no ${join(tree, "sbin/eradiod")}`);
  });
  return tree;
}

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

export class Server {
  #options;
  #running = null;

  /** `options`: eradiod's own, as a list of words. */
  constructor(port, options) {
    this.port = port;
    this.#options = options;
    this.url = `http://127.0.0.1:${port}/`;
  }

  static async start(...options) {
    const server = new Server(await freePort(), options);
    await server.start();
    return server;
  }

  /** Again on the same port, after `stop()`. */
  async start() {
    const tree = await installedTree();
    const webroot = process.env["ERADIO_TEST_WEBROOT"]; // a checkout's page with another tree's server
    this.#running = start(join(tree, "sbin/eradiod"), [
      ...["--listen_ip", "127.0.0.1", "--listen_port", String(this.port)],
      ...(this.#options.includes("--status_listen") ? [] : ["--status_listen", "none"]),
      ...["--control_socket", "none", "--workers", "2"],
      ...(webroot ? ["--webroot", webroot] : []),
      ...this.#options,
    ]);
    const { child, output } = this.#running;
    await until(
      () => `the server to be ready. Its log:\n${output.text}`,
      () => {
        if (child.exitCode !== null) {
          throw new Error(`the server has ended with status ${child.exitCode}. Its log:\n${output.text}`);
        }
        return output.text.includes("ready: listen at");
      },
    );
  }

  async stop(signal) {
    if (this.#running !== null) {
      await stop(this.#running, signal);
    }
  }

  /** The master stands still, and answers its workers nothing, until `proceed()`. */
  suspend() {
    this.#running.child.kill("SIGSTOP");
  }

  proceed() {
    this.#running.child.kill("SIGCONT");
  }

  get log() {
    return this.#running?.output.text ?? "";
  }
}
