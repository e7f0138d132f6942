// A network between page and server that a test can spoil.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Proxy {
  #listening;
  #pairs = new Set();
  #stalled = false;
  #dial;

  /** `dial` makes the connections to the server. */
  static async open(port, dial = () => connect({ host: "127.0.0.1", port })) {
    const proxy = new Proxy();
    proxy.#dial = dial;
    proxy.#listening = createServer((client) => void proxy.#accepted(client));
    proxy.#listening.listen(0, "127.0.0.1");
    await once(proxy.#listening, "listening");
    proxy.url = `http://127.0.0.1:${proxy.#listening.address().port}/`;
    return proxy;
  }

  /** Nothing gets through any more, in either direction, and nobody is told. */
  stall() {
    this.#stalled = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server?.pause();
    }
  }

  /** Everything goes on, with what has waited meanwhile. */
  resume() {
    this.#stalled = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server?.resume();
    }
  }

  /** All connections are lost, as when a mobile phone gets another address: what has waited is gone. */
  cut() {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server?.destroy();
    }
  }

  close() {
    this.#listening.close();
    this.cut();
  }

  async #accepted(client) {
    const pair = { client, server: null };
    this.#pairs.add(pair);
    client.pause();
    const gone = () => {
      this.#pairs.delete(pair);
      client.destroy();
      pair.server?.destroy();
    };
    client.on("error", gone).on("close", gone);
    const server = await this.#dial();
    pair.server = server;
    if (client.destroyed) {
      gone();
      return;
    }
    server.setNoDelay();
    client.setNoDelay();
    server.on("error", gone).on("close", gone);
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => client.write(bytes));
    if (this.#stalled) {
      server.pause();
      client.pause();
    } else {
      client.resume();
    }
  }
}
