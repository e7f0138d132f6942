import assert from "node:assert/strict";
import test from "node:test";
import { trackLink } from "../../js/track.js";

for (const [uri, expected] of [
  ["spotify:track:4uLU6hMCjMI75M1A2tKUQC", "https://open.spotify.com/track/4uLU6hMCjMI75M1A2tKUQC"],
  ["spotify:episode:4uLU6hMCjMI75M1A2tKUQC", "https://open.spotify.com/episode/4uLU6hMCjMI75M1A2tKUQC"],
  ["spotify:track:../../evil", null],
  ["spotify:track:", null],
  ["https://music.example/a song", "https://music.example/a%20song"],
  ["HTTP://music.example", "http://music.example/"],
  ["javascript:alert(1)", null],
  [" javascript:alert(1)", null],
  ["java\nscript:alert(1)", null],
  ["JavaScript:alert(1)//https://", null],
  ["data:text/html,<script>alert(1)</script>", null],
  ["vbscript:x", null],
  ["file:///home/me/song.mp3", null],
  ["blob:https://music.example/1", null],
  ["eradio:demo:lanterns", null],
  ["//music.example/x", null],
  ["not a uri", null],
  ["", null],
]) {
  test(`${JSON.stringify(uri)} leads to ${expected ?? "nowhere"}`, () => {
    assert.equal(trackLink(uri), expected);
  });
}
