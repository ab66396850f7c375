// Keeps the live part of a page up to date. Every page is complete without it, and every form works.

import { Idiomorph } from "./vendor/idiomorph.esm.js";

const SHOW_LOSS_AFTER_MS = 2500;
const SILENCE_MS = 40_000; // more than two beats
const RECONNECT_MS = 3000;
const PAUSE_AFTER_MS = 20_000; // out of sight for so long, the page lets its stream go: a browser has six for a host
const STATES = {
  connecting: "Connecting…",
  live: "Live",
  behind: "Behind",
  lost: "No connection",
  paused: "Paused",
  final: "Settled",
};

const part = document.querySelector("[data-live]");
const link = document.getElementById("link");
const banner = document.getElementById("banner");
const markup = window.trustedTypes?.createPolicy("live", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

/** Shows a state of the connection, and says in the banner what it means where that matters. */
function show(state, detail = "") {
  banner.hidden = !detail;
  if (banner.textContent !== detail) banner.textContent = detail;
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  document.getElementById("link-text").textContent = STATES[state];
}

/** Makes the live part look as the server says, and leaves alone what people have opened, ticked and typed. */
function update(html) {
  const fresh = new DOMParser().parseFromString(markup.createHTML(html), "text/html");
  Idiomorph.morph(part, [...fresh.body.childNodes], {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeAttributeUpdated: (name) => !["open", "checked", "value", "hidden"].includes(name),
    },
  });
  prepare();
}

const stream = {
  source: undefined,
  watchdog: undefined,
  loss: undefined,

  open() {
    this.source?.close();
    const source = new EventSource(location.href);
    this.source = source;
    source.onmessage = (event) => {
      this.alive();
      show("live");
      update(event.data);
    };
    source.addEventListener("behind", (event) => {
      this.alive();
      show("behind", `What is shown may be old: ${JSON.parse(event.data)}`);
    });
    source.addEventListener("beat", () => this.alive());
    source.addEventListener("final", () => {
      this.close();
      show("final");
    });
    source.onerror = () => {
      this.lost();
      // The browser gives up on an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) this.watch(RECONNECT_MS);
    };
    this.watch(SILENCE_MS);
  },

  close() {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.watchdog);
    clearTimeout(this.loss);
    this.loss = undefined;
  },

  alive() {
    clearTimeout(this.loss);
    this.loss = undefined;
    this.watch(SILENCE_MS);
  },

  lost() {
    this.loss ??= setTimeout(
      () => show("lost", "The console does not answer: does it still run? What is shown may be old."),
      SHOW_LOSS_AFTER_MS,
    );
  },

  /** Opens anew unless something arrives within `ms`. */
  watch(ms) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.lost();
      this.open();
    }, ms);
  },
};

/** The button that ticks all: of use only where scripts run. */
function prepare() {
  const all = document.getElementById("tick-all");
  if (!all || all.onclick) return;
  all.hidden = false;
  all.onclick = () => {
    const boxes = [...document.querySelectorAll("input[name=id][type=checkbox]")];
    const ticked = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !ticked;
  };
}

prepare();
if (part) {
  const start = () => {
    show("connecting");
    stream.open();
  };
  let hiding;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) {
      hiding = setTimeout(() => {
        if (!stream.source) return;
        stream.close();
        show("paused");
      }, PAUSE_AFTER_MS);
    } else if (link.dataset.state === "paused") start();
  });
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) start();
  });
  start();
} else {
  link.hidden = true;
}
