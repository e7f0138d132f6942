// Takes the picture of the page that the README shows, after a minute of the demo stream.
//
//   ERADIO_INSTALLED_TREE=… node tools/screenshot.js

import { fileURLToPath } from "node:url";
import { launch } from "../tests/browser/chromium.js";
import { Server } from "../tests/support/server.js";

const file = fileURLToPath(new URL("../../docs/player.png", import.meta.url));
const server = await Server.start("--source", "eradio-source-demo --track-seconds 300");
const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 720, height: 800 }, colorScheme: "light" });
  const page = await context.newPage();
  await page.goto(server.url);
  await page.click("#play");
  await page.mouse.move(10, 10); // the button looks different under the pointer
  await page.waitForTimeout(62_000);
  await page.screenshot({ path: file });
  console.log(file);
} finally {
  await browser.close();
  await server.stop();
}
