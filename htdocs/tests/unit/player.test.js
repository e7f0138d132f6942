import assert from "node:assert/strict";
import test from "node:test";
import { ApiError } from "../../js/api.js";
import { UnsupportedType } from "../../js/media_source_sink.js";
import { Player } from "../../js/player.js";
import { FakeApi, FakeAudio, FakeClock, FakeSink, playing, settle, stopped } from "./fakes.js";

function newPlayer(options = {}) {
  FakeSink.all.length = 0;
  const clock = new FakeClock();
  const api = new FakeApi();
  api.metadataAnswers = [playing];
  const audio = new FakeAudio();
  const states = [];
  const problems = [];
  const lags = [];
  const player = new Player({
    api,
    listenerId: "7",
    audio,
    clock,
    random: () => 0.5,
    openSink: (element, events) => new FakeSink(element, events),
    onState: (state, problem) => {
      if (state !== states.at(-1)) {
        states.push(state);
      }
      problems.push(problem);
    },
    onLag: (seconds) => lags.push(seconds),
    ...options,
  });
  return { clock, api, audio, player, states, problems, lags };
}

/** A player that plays, 250 ms behind. */
async function listening(options) {
  const all = newPlayer(options);
  all.player.play();
  await settle();
  all.api.last.send(250);
  await settle();
  all.audio.start();
  return all;
}

test("nothing is fetched before play", async () => {
  const { api, clock } = newPlayer();
  await clock.advance(60_000);
  assert.equal(api.connections.length, 0);
  assert.equal(clock.timers, 0);
});

test("play joins the stream with the listener's id, and plays what comes", async () => {
  const { api, audio, player, states } = newPlayer();
  player.play();
  assert.equal(audio.paused, false, "at once: it has to be an answer to the click");
  await settle();
  assert.equal(api.last.id, "7");
  assert.deepEqual(FakeSink.last.types, ["audio/mpeg"]);
  api.last.send(100, 100);
  await settle();
  assert.deepEqual(FakeSink.last.bytes, [100, 100]);
  audio.start();
  assert.deepEqual(states, ["connecting", "buffering", "playing"]);
});

test("stop leaves the stream, and play joins it anew", async () => {
  const { api, audio, player, states, clock } = await listening();
  player.stop();
  assert.equal(api.last.signal.aborted, true);
  assert.equal(audio.paused, true);
  assert.equal(audio.src, "");
  assert.equal(FakeSink.last.closed, true);
  assert.equal(states.at(-1), "stopped");
  await settle();
  assert.equal(clock.timers, 0);
  player.play();
  await settle();
  assert.equal(api.connections.length, 2);
});

test("too far behind it plays faster, and at the right place normally again", async () => {
  const { api, audio } = await listening();
  api.last.send(200);
  await settle();
  assert.equal(audio.playbackRate, 1.04);
  audio.currentTime = 0.25;
  api.last.send(10);
  await settle();
  assert.equal(audio.playbackRate, 1);
});

test("more than a second behind it jumps", async () => {
  const { api, audio } = await listening();
  api.last.send(250, 250, 250, 250);
  await settle();
  assert.ok(Math.abs(audio.bufferedSeconds - audio.currentTime - 0.22) < 0.25, `${audio.currentTime}`);
  assert.ok(audio.currentTime > 0.5);
});

test("having run dry it goes on with the newest, once there is enough", async () => {
  const { api, audio, states } = await listening();
  audio.currentTime = 0.25;
  audio.starve();
  assert.equal(states.at(-1), "buffering");
  api.last.send(200);
  await settle();
  assert.equal(audio.currentTime, 0.25);
  api.last.send(200);
  await settle();
  assert.ok(Math.abs(audio.currentTime - (0.65 - 0.22)) < 1e-9, `${audio.currentTime}`);
});

test("the lag is reported a few times a second, and nothing while nothing is heard", async () => {
  const { api, audio, clock, lags } = await listening();
  for (let i = 0; i < 40; i++) {
    await clock.advance(25);
    audio.currentTime += 0.025;
    api.last.send(25);
    await settle();
  }
  const heard = lags.filter((lag) => lag !== null);
  assert.ok(heard.length >= 3 && heard.length <= 5, `${heard.length} in a second`);
  assert.ok(heard.every((lag) => lag > 0.2 && lag < 0.3), String(heard));
  audio.starve();
  await clock.advance(1100);
  assert.equal(lags.at(-1), null);
});

test("a connection that breaks is made again, and the sound goes on in the same sink", async () => {
  const { api, clock, states } = await listening();
  await clock.advance(1000);
  api.last.break();
  await settle();
  assert.equal(states.at(-1), "reconnecting");
  assert.equal(api.connections.length, 1);
  await clock.advance(500);
  assert.equal(api.connections.length, 2);
  assert.equal(FakeSink.all.length, 1);
  assert.deepEqual(FakeSink.last.types, ["audio/mpeg", "audio/mpeg"]);
  assert.equal(states.at(-1), "playing");
});

test("a server that is away is tried later and later", async () => {
  const { api, clock, player, problems } = newPlayer();
  api.refuse = new ApiError(0, "The server cannot be reached");
  player.play();
  const times = [];
  for (let i = 0; i < 400 && times.length < 6; i++) {
    await clock.advance(100);
    while (times.length < api.connections.length) {
      times.push(clock.now());
    }
  }
  const waits = times.slice(1).map((time, i) => time - times[i]);
  assert.deepEqual(waits.map((ms) => Math.round(ms / 500) * 500), [500, 1000, 2000, 4000, 8000]);
  assert.equal(problems.at(-1), "The server cannot be reached");
});

test("a server that is full is asked again when it said, and not before", async () => {
  const { api, clock, player } = newPlayer();
  api.refuse = new ApiError(503, "too many listeners", 10);
  player.play();
  await clock.advance(10_000);
  assert.equal(api.connections.length, 1);
  await clock.advance(5100);
  assert.equal(api.connections.length, 2);
});

test("the problem is gone when the stream is there", async () => {
  const { api, clock, player, problems } = newPlayer();
  api.refuse = new ApiError(0, "away");
  player.play();
  await settle();
  api.refuse = null;
  await clock.advance(600);
  assert.equal(problems.at(-1), null);
});

test("when the network is back it does not wait any longer", async () => {
  const { api, player } = newPlayer();
  api.refuse = new ApiError(0, "away");
  player.play();
  await settle();
  player.retryNow();
  await settle();
  assert.equal(api.connections.length, 2);
});

test("a connection that has died without a word is found, and replaced", async () => {
  const { api, clock, player } = await listening();
  player.serverSays("playing");
  await clock.advance(4000);
  assert.equal(api.connections[0].signal.aborted, true);
  assert.equal(api.connections.length, 2);
});

test("when the source has stopped, silence is no failure", async () => {
  const { api, audio, clock, player, states } = await listening();
  api.metadataAnswers = [stopped];
  player.serverSays("stopped");
  await clock.advance(250);
  audio.starve();
  assert.equal(states.at(-1), "silent");
  await clock.advance(60_000);
  assert.equal(api.connections.length, 1);
  player.serverSays("playing");
  api.last.send(250);
  await settle();
  audio.start();
  assert.equal(states.at(-1), "playing");
});

test("told nothing, it asks the server why the stream is silent", async () => {
  const { api, audio, clock, states } = await listening();
  api.metadataAnswers = [stopped];
  audio.starve();
  await clock.advance(4500);
  assert.equal(api.asked, 1);
  assert.equal(states.at(-1), "silent");
  assert.equal(api.connections.length, 1);
});

test("a sink that fails is replaced, with a new connection", async () => {
  const { api, clock, problems } = await listening();
  const [first] = FakeSink.all;
  first.events.onFailure(new Error("The browser cannot decode the stream"));
  await clock.advance(600);
  assert.equal(FakeSink.all.length, 2);
  assert.equal(first.closed, true);
  assert.equal(api.connections.length, 2);
  assert.ok(problems.includes("The browser cannot decode the stream"));
});

test("a stream that cannot be decoded is not fetched over and over", async () => {
  const { api, clock, player } = newPlayer({
    openSink: (element, events) => {
      const sink = new FakeSink(element, events);
      sink.append = () => events.onFailure(new Error("cannot decode"));
      return sink;
    },
  });
  player.play();
  for (let second = 0; second < 60; second++) {
    await clock.advance(1000);
    if (api.last.signal.aborted === false) {
      api.last.send(1);
    }
    await settle();
  }
  assert.ok(api.connections.length >= 4 && api.connections.length <= 10, `${api.connections.length} in a minute`);
});

test("the browser's own pause means leaving", async () => {
  const { audio, player } = await listening();
  audio.pause();
  audio.dispatchEvent(new Event("pause"));
  assert.equal(player.state, "stopped");
});

test("a browser that wants a click first says so, and stays out of the stream", async () => {
  const { audio, player, problems } = newPlayer();
  audio.denied = true;
  player.play();
  await settle();
  assert.equal(player.state, "stopped");
  assert.match(problems.at(-1), /press play/);
});

test("what is announced now is shown when it is heard", async () => {
  const { audio, clock, player } = await listening();
  let shown = false;
  player.whenHeard(() => (shown = true));
  await clock.advance(200);
  audio.currentTime = 0.2;
  assert.equal(shown, false);
  audio.currentTime = 0.25;
  await clock.advance(60);
  assert.equal(shown, true);
});

test("while nothing is heard it is shown at once", async () => {
  const { player } = newPlayer();
  let shown = 0;
  player.whenHeard(() => (shown += 1));
  assert.equal(shown, 1);
});

test("what would have been heard is shown when the listener leaves, or the sound runs out", async () => {
  const { audio, clock, player } = await listening();
  let shown = 0;
  player.whenHeard(() => (shown += 1));
  audio.currentTime = 0.22;
  audio.starve();
  await clock.advance(100);
  assert.equal(shown, 1);
  const other = await listening();
  other.player.whenHeard(() => (shown += 1));
  other.player.stop();
  assert.equal(shown, 2);
});

test("where there are no media sources the audio element fetches the stream", async () => {
  const { api, audio, clock, player, states } = newPlayer({ openSink: () => null });
  player.play();
  await settle();
  assert.equal(audio.src, "http://radio.test/stream.mp3?listener_id=7");
  assert.equal(api.connections.length, 0);
  audio.bufferedSeconds = 0.8;
  audio.start();
  audio.dispatchEvent(new Event("timeupdate"));
  assert.equal(states.at(-1), "playing");
  assert.equal(audio.playbackRate, 1.08);
  audio.dispatchEvent(new Event("error"));
  await settle();
  assert.equal(states.at(-1), "reconnecting");
  audio.src = "";
  await clock.advance(600);
  assert.equal(audio.src, "http://radio.test/stream.mp3?listener_id=7");
});

test("so it does when the browser does not take this kind of stream otherwise", async () => {
  const { api, audio, player } = newPlayer({
    openSink: (element, events) => {
      const sink = new FakeSink(element, events);
      sink.begin = () => Promise.reject(new UnsupportedType("no"));
      return sink;
    },
  });
  player.play();
  await settle();
  assert.equal(api.connections.length, 1);
  assert.equal(audio.src, "http://radio.test/stream.mp3?listener_id=7");
});

test("volume stays between nothing and all", () => {
  const { audio, player } = newPlayer();
  player.volume = 1.5;
  assert.equal(audio.volume, 1);
  player.volume = -1;
  assert.equal(audio.volume, 0);
  assert.equal(player.volumeCanBeSet, true);
  assert.equal(audio.volume, 0);
});
