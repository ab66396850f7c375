// Keeps the page's board up to date. The page is complete without it.

const HIGHLIGHT_MS = 4000;
const ANNOUNCE_EVERY_MS = 5000;
const RECONNECT_MS = 4000;
const SHOW_LOSS_AFTER_MS = 2500; // a stream that ends in time is followed by the next one sooner than this
const PAUSE_AFTER_MS = 60_000; // out of sight for so long, the page lets its stream go
const STATES = {
  connecting: "Connecting…",
  live: "Live",
  stalled: "Behind: no data",
  lost: "Reconnecting…",
  paused: "Paused",
};

const main = document.getElementById("departures");

/** The table: inserts departures in their place, updates them, marks what is new. */
const board = {
  rows: document.getElementById("rows"),
  template: document.getElementById("row").content.firstElementChild,
  byId: new Map(),

  load() {
    for (const tr of this.rows.rows) this.byId.set(tr.dataset.id, tr);
  },

  /** Shows one departure; returns whether that changed anything. */
  show(row) {
    const known = this.byId.get(row.id);
    const tr = known ?? this.template.cloneNode(true);
    const changed = this.fill(tr, row);
    if (!known || tr.dataset.order !== row.order) {
      tr.dataset.id = row.id;
      tr.dataset.order = row.order;
      tr.remove(); // or its old place would be taken for a neighbour's
      this.rows.insertBefore(tr, this.successor(row.order));
      this.byId.set(row.id, tr);
    }
    if (changed) this.highlight(tr);
    return changed;
  },

  fill(tr, row) {
    let changed = tr.dataset.status !== row.status;
    tr.dataset.status = row.status;
    for (const field of tr.querySelectorAll("[data-field]")) {
      const text = row[field.dataset.field];
      if (field.textContent === text) continue;
      field.textContent = text;
      changed = true;
    }
    return changed;
  },

  /** The first row that comes after `order`, or null. */
  successor(order) {
    const rows = this.rows.rows;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].dataset.order < order) low = middle + 1;
      else high = middle;
    }
    return rows[low] ?? null;
  },

  highlight(tr) {
    tr.classList.remove("fresh");
    void tr.offsetWidth; // lets the animation of a row that is still marked begin anew
    tr.classList.add("fresh");
    clearTimeout(tr.fading);
    tr.fading = setTimeout(() => tr.classList.remove("fresh"), HIGHLIGHT_MS);
  },
};

/** The numbers above the table, and their bar. */
const summary = {
  show(counts) {
    for (const count of document.querySelectorAll("[data-count]")) {
      count.textContent = counts[count.dataset.count];
    }
    document.getElementById("none").hidden = counts.flights > 0;
    const shares = document.getElementById("shares");
    shares.setAttribute("viewBox", `0 0 ${counts.flights || 1} 1`);
    let x = 0;
    for (const rect of shares.querySelectorAll("rect")) {
      const share = counts[rect.dataset.status];
      rect.setAttribute("x", x);
      rect.setAttribute("width", share);
      x += share;
    }
  },
};

/** Tells screen readers, in one sentence for all that happened since the last one. */
const announcer = {
  region: document.getElementById("announcements"),
  posted: new Map(),
  said: -Infinity,
  timer: undefined,

  note(row) {
    this.posted.set(row.id, row.word);
    this.timer ??= setTimeout(() => this.announce(), Math.max(1000, this.said + ANNOUNCE_EVERY_MS - performance.now()));
  },

  announce() {
    const words = new Map();
    for (const word of this.posted.values()) words.set(word, (words.get(word) ?? 0) + 1);
    const parts = [...words].map(([word, count]) => `${count} ${word.toLowerCase()}`);
    const flights = this.posted.size === 1 ? "1 flight" : `${this.posted.size} flights`;
    this.say(`${flights} posted: ${parts.join(", ")}. ${board.byId.size} on the board of ${main.dataset.airport}.`);
    this.posted.clear();
    this.timer = undefined;
  },

  say(text) {
    this.said = performance.now();
    this.region.textContent = text;
  },
};

/** The stream of changes: opened, watched, opened again from where it was. */
const stream = {
  version: main.dataset.version,
  source: undefined,
  watchdog: undefined,
  loss: undefined,

  open() {
    this.source?.close();
    const source = new EventSource(`${main.dataset.events}&since=${this.version}`);
    this.source = source;
    source.onopen = () => this.alive("live");
    source.onmessage = (event) => {
      this.alive();
      this.version = event.lastEventId;
      this.apply(JSON.parse(event.data));
    };
    source.addEventListener("beat", () => this.alive());
    source.addEventListener("state", (event) => this.alive(event.data));
    source.onerror = () => {
      this.lost();
      // The browser gives up on an answer that is no stream, such as a 503.
      if (source.readyState === EventSource.CLOSED) this.watch(RECONNECT_MS);
    };
    this.watch(main.dataset.silenceSeconds * 1000);
  },

  apply({ rows, counts }) {
    for (const row of rows) {
      if (board.show(row)) announcer.note(row);
    }
    summary.show(counts);
  },

  /** Something arrived. Without a state, the last one holds. */
  alive(state) {
    clearTimeout(this.loss);
    this.loss = undefined;
    this.watch(main.dataset.silenceSeconds * 1000);
    const shown = link.dataset.state;
    show(state ?? (shown === "lost" || shown === "connecting" ? "live" : shown));
  },

  lost() {
    this.loss ??= setTimeout(() => {
      show("lost");
      announcer.say("Connection lost. Reconnecting.");
    }, SHOW_LOSS_AFTER_MS);
  },

  /** Opens anew unless something arrives within `ms`. */
  watch(ms) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.lost();
      this.open();
    }, ms);
  },

  pause() {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.watchdog);
    clearTimeout(this.loss);
    this.loss = undefined;
    show("paused");
  },
};

const link = document.getElementById("link");

function show(state) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  document.getElementById("link-text").textContent = STATES[state];
}

let hiding;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => stream.pause(), PAUSE_AFTER_MS);
  else if (!stream.source) resume();
});
window.addEventListener("pagehide", () => stream.pause());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) resume();
});

function resume() {
  show("connecting");
  stream.open();
}

board.load();
resume();
