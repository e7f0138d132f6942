import assert from "node:assert/strict";
import test from "node:test";
import { isListenerId, randomListenerId } from "../../js/api.js";
import { Preferences } from "../../js/preferences.js";
import "./fakes.js";

class Storage extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }

  setItem(key, value) {
    this.set(key, value);
  }
}

test("the id is made up once and kept", () => {
  const storage = new Storage();
  const id = new Preferences(storage).listenerId;
  assert.ok(isListenerId(id), id);
  assert.equal(new Preferences(storage).listenerId, id);
});

test("an id that is none is replaced", () => {
  for (const broken of ["", "-1", "1.5", "9223372036854775808", "12e3", "none", " 1"]) {
    const storage = new Storage([["eradio.listener_id", broken]]);
    assert.equal(new Preferences(storage, () => "7").listenerId, "7", JSON.stringify(broken));
    assert.equal(storage.getItem("eradio.listener_id"), "7");
  }
});

test("volume and mute are kept; what cannot be one is full volume", () => {
  const storage = new Storage();
  const preferences = new Preferences(storage);
  assert.equal(preferences.volume, 1);
  assert.equal(preferences.muted, false);
  preferences.volume = 0.35;
  preferences.muted = true;
  assert.equal(new Preferences(storage).volume, 0.35);
  assert.equal(new Preferences(storage).muted, true);
  for (const broken of ["", "NaN", "-0.1", "1.1", "loud"]) {
    storage.setItem("eradio.volume", broken);
    assert.equal(new Preferences(storage).volume, 1, JSON.stringify(broken));
  }
});

test("where storage is denied, the page remembers as long as it is open", () => {
  const denied = {
    getItem() {
      throw new DOMException("denied", "SecurityError");
    },
    setItem() {
      throw new DOMException("denied", "SecurityError");
    },
  };
  for (const storage of [denied, null]) {
    const preferences = new Preferences(storage);
    assert.equal(preferences.listenerId, preferences.listenerId);
    preferences.volume = 0.5;
    assert.equal(preferences.volume, 0.5);
  }
});

test("ids use all of 63 bits, and no more", () => {
  const all = { getRandomValues: (array) => array.fill(2n ** 64n - 1n) };
  assert.equal(randomListenerId(all), (2n ** 63n - 1n).toString());
  const none = { getRandomValues: (array) => array.fill(2n ** 63n) };
  assert.equal(randomListenerId(none), "0");
  const ids = new Set(Array.from({ length: 1000 }, () => randomListenerId()));
  assert.equal(ids.size, 1000);
});
