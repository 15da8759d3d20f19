const SILENT_MS = 3000; // without a beat the tab is called not answering
const PAUSES_MS = [300, 600, 1200, 2500, 5000];

/** An answer that never came; the tab could not say so itself. */
export class Lost extends Error {}

/** @typedef {"connecting" | "connected" | "silent" | "lost" | "ended"} Health */

/**
 * The live connection to the tab: it comes back by itself, and what is asked is answered or refused.
 */
export class Connection {
  /**
   * @param {import("./store.js").Store} store takes in what the tab says
   * @param {(health: Health) => void} onHealth
   */
  constructor(store, onHealth) {
    this._store = store;
    this._onHealth = onHealth;
    /** @type {Health} */
    this.health = "connecting";
    /** @type {WebSocket | null} */
    this._socket = null;
    /** @type {Map<number, {done: (value: any) => void, failed: (error: Error) => void}>} */
    this._open = new Map();
    this._number = 0;
    this._tries = 0;
    this._heard = 0;
    // By this key the tab knows a page again that comes back, and gives it its old place.
    this._key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    setInterval(() => this._listen(), 500);
    this._connect();
  }

  /**
   * Ask the tab for an action.
   * @param {string} name
   * @param {...any} values
   * @returns {Promise<any>} once it has been taken in; rejected with words for the user
   */
  ask(name, ...values) {
    const socket = this._socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) {
      return Promise.reject(new Lost("There is no connection to the workbench just now; nothing was changed."));
    }
    this._number += 1;
    const n = this._number;
    return new Promise((done, failed) => {
      this._open.set(n, { done, failed });
      socket.send(JSON.stringify({ do: name, with: values, n }));
    });
  }

  /** Connect again at once. */
  retry() {
    this._tries = 0;
    this._connect();
  }

  _connect() {
    clearTimeout(this._timer);
    this._socket?.close();
    const address = new URL("live", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ page: this._key }).toString();
    const socket = new WebSocket(address);
    this._socket = socket;
    socket.onmessage = (event) => this._hear(socket, JSON.parse(event.data));
    socket.onclose = () => this._lose(socket);
  }

  /**
   * @param {WebSocket} socket
   * @param {any} message
   */
  _hear(socket, message) {
    if (socket !== this._socket) return;
    this._heard = performance.now();
    this._tries = 0;
    this._become("connected");
    if (message.state) this._store.merge(message.state);
    const waiting = this._open.get(message.answer);
    if (!waiting) return;
    this._open.delete(message.answer);
    if (message.error) waiting.failed(new Error(message.error));
    else waiting.done(message.value);
  }

  /** @param {WebSocket} socket */
  _lose(socket) {
    if (socket !== this._socket) return;
    for (const { failed } of this._open.values()) failed(new Lost("The connection was lost before the workbench had answered."));
    this._open.clear();
    if (this.health !== "ended") this._become("lost");
    this._ask();
    const pause = PAUSES_MS[Math.min(this._tries, PAUSES_MS.length - 1)];
    this._tries += 1;
    this._timer = setTimeout(() => this._connect(), pause);
  }

  /** Whether the server is there, but the tab is not any more. */
  async _ask() {
    if (this._tries < 2) return;
    try {
      const answer = await fetch("index.html", { method: "HEAD", cache: "no-store" });
      if (answer.status === 403 && this.health === "lost") this._become("ended");
    } catch {
      // Nobody answers at all: it stays lost.
    }
  }

  _listen() {
    if (this.health === "connected" && performance.now() - this._heard > SILENT_MS) this._become("silent");
  }

  /** @param {Health} health */
  _become(health) {
    if (health === this.health) return;
    this.health = health;
    this._onHealth(health);
  }
}
