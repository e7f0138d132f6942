import assert from "node:assert/strict";
import test from "node:test";
import { chooseWay } from "../../js/container.js";

const browser = (...types) => (type) => types.includes(type);
const mp3InMp4 = 'audio/mp4; codecs="mp3"';
const aacInMp4 = 'audio/mp4; codecs="mp4a.40.2"';

for (const [story, contentType, supported, expected] of [
  ["taken as it is", "audio/mpeg", browser("audio/mpeg", mp3InMp4), { mimeType: "audio/mpeg", wrapped: false }],
  ["parameters and case do not matter", "Audio/MPEG; x=1", browser("audio/mpeg"), { mimeType: "audio/mpeg", wrapped: false }],
  ["wrapped where it has to be", "audio/mpeg", browser(mp3InMp4), { mimeType: mp3InMp4, wrapped: true }],
  ["AAC can be wrapped too", "audio/aac", browser(aacInMp4), { mimeType: aacInMp4, wrapped: true }],
  ["not at all", "audio/mpeg", browser(), null],
  ["nobody knows how to wrap this", "audio/ogg", browser(mp3InMp4, aacInMp4), null],
]) {
  test(story, () => {
    assert.deepEqual(chooseWay(contentType, supported), expected);
  });
}
