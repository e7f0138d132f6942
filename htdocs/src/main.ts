/**
 * The page: wires what there is. Nothing is fetched of the stream before somebody presses play.
 */

import { Api, type Metadata, type Track } from "./api.js";
import { MediaSessionDisplay } from "./media_session.js";
import { Notifications } from "./notify.js";
import { Player } from "./player.js";
import { Preferences } from "./preferences.js";
import { statusOf } from "./status.js";
import { Ui } from "./ui.js";
import { Ballot, sameTrack } from "./vote.js";

const drawEveryMs = 250;
/** A hidden page that plays nothing needs no news; one that is looked at again soon should not have to connect. */
const hiddenGraceMs = 30_000;

const { stream } = document.querySelector<HTMLElement>("main")?.dataset ?? {};
const api = new Api({ base: document.baseURI, ...(stream ? { streamPath: stream } : {}) });
const preferences = new Preferences();
const listenerId = preferences.listenerId;

/** The newest from the server; what is heard is a little older, and so is `shownTrack`. */
let metadata: Metadata | null = null;
let shownTrack: Track | null = null;
let problem: string | null = null;
/** Half of a message's way to the server and back: how old the newest sound is when it gets here. */
let networkSeconds = 0;

const ui = new Ui({
  onPlay: () => (player.state === "stopped" ? player.play() : player.stop()),
  onVeto: () => void ballot.cast(),
  onMute: () => {
    player.muted = !player.muted;
  },
  onVolume: (volume) => {
    player.volume = volume;
    player.muted = false;
  },
});

const player = new Player({
  api,
  listenerId,
  audio: document.querySelector("audio") ?? new Audio(),
  onState: (state, trouble) => {
    problem = trouble;
    ballot.playerIs(state);
    if (state === "stopped") {
      restWhileHidden();
    }
    mediaSession.showState(state);
    showState();
  },
  onLag: (seconds) => ui.addLag(performance.now() / 1000, seconds === null ? null : seconds + networkSeconds),
  onVolume: (volume, muted) => {
    preferences.volume = volume;
    preferences.muted = muted;
    showVolume();
  },
  onReceived: () => notifications.keepAlive(),
});

const ballot = new Ballot({ put: () => api.veto(listenerId), onChange: () => showState() });

const notifications = new Notifications({
  api,
  onMetadata: (news) => received(news),
  onState: (state) => {
    if (state !== "open") {
      player.serverSays("unknown");
      ballot.newsIsOld();
    }
    showState();
  },
  onRoundTrip: (milliseconds) => {
    networkSeconds = milliseconds / 2000;
  },
});

const mediaSession = new MediaSessionDisplay({ onPlay: () => player.play(), onStop: () => player.stop() });

function received(news: Metadata): void {
  ballot.received(news);
  const trackChanged = metadata === null || !sameTrack(metadata.track, news.track);
  metadata = news;
  player.serverSays(news.track === null ? "stopped" : "playing");
  if (trackChanged) {
    player.whenHeard(() => showTrack(news.track));
  }
  showState();
}

function showTrack(track: Track | null): void {
  shownTrack = track;
  const name = ui.showTrack(track, player.state === "playing" ? "The live stream" : "Nothing is playing");
  mediaSession.showTrack(name, location.host);
}

function showState(): void {
  const { state } = player;
  ui.showPlaying(state !== "stopped", statusOf(state, notifications.state), problem ?? ballot.problem);
  ui.showCounts(metadata?.listenerCount ?? null, metadata?.vetoCount ?? null);
  // A source need not say what it plays.
  const somethingPlays = state === "playing" || (state === "buffering" && metadata?.track != null);
  ui.showVote(ballot.isCast, somethingPlays);
  if (metadata !== null && shownTrack === null && metadata.track === null) {
    showTrack(null);
  }
}

function showVolume(): void {
  ui.showVolume(player.volume, player.muted, volumeCanBeSet);
}

const volumeCanBeSet = player.volumeCanBeSet;
player.volume = preferences.volume;
player.muted = preferences.muted;
ui.showAddress(api.streamUrl());
showVolume();
showState();
notifications.start();
void ui.loadGraph();

setInterval(() => {
  if (document.visibilityState === "visible") {
    ui.drawLag(performance.now() / 1000);
  }
}, drawEveryMs);

addEventListener("online", () => {
  notifications.retryNow();
  player.retryNow();
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    notifications.start();
    notifications.retryNow();
  } else {
    restWhileHidden();
  }
});

function restWhileHidden(): void {
  setTimeout(() => {
    if (document.visibilityState === "hidden" && player.state === "stopped") {
      notifications.stop();
    }
  }, hiddenGraceMs);
}
