import { button, h, say } from "../dom.js";

/** @type {Record<string, string>} */
const WORDS = {
  connecting: "Connecting ...",
  connected: "",
  silent: "The workbench is not answering. It may be busy; what you see stays as it is.",
  ended: "This tab has ended. Open the workbench's address once more: unsaved work can be continued there.",
  lost: "The connection was lost. Connecting again; nothing is lost while the workbench runs.",
};
const LATE_MS = 600; // a connection that comes at once needs no words

/**
 * Strips over the page: connection, a second page, an image on its way.
 */
export class Strips {
  /** @param {HTMLElement} place @param {() => void} retry */
  constructor(place, retry) {
    this._health = h(
      "div",
      { class: "strip warning", "data-test": "strip-health", hidden: true },
      h("span"),
      button("again", "Try now", { onclick: retry }),
    );
    this._role = h(
      "div",
      { class: "strip", "data-test": "strip-role", hidden: true },
      h("span", {}, "This tab of the workbench is open in another page, too. This page looks on."),
    );
    this._loading = h(
      "div",
      { class: "strip", "data-test": "strip-loading", hidden: true },
      h("span"),
      h("progress", { max: 1, value: 0, "aria-label": "Image on its way" }),
    );
    this._fatal = h("div", { class: "strip error", hidden: true, role: "alert" });
    place.append(this._health, this._role, this._loading, this._fatal);
  }

  /** @param {import("../connection.js").Health} health */
  show(health) {
    clearTimeout(this._later);
    const set = () => {
      this._health.hidden = !WORDS[health];
      say(/** @type {Element} */ (this._health.firstChild), WORDS[health]);
    };
    if (health !== "lost" && health !== "connecting") set();
    else this._later = setTimeout(set, LATE_MS);
    document.body.dataset.health = health;
  }

  /** @param {import("../bench.js").Bench} bench */
  watch(bench) {
    this._role.append(button("check", "Work here", { "data-test": "take-over", onclick: () => bench.ask("takeOver") }));
    bench.store.watch(["role"], () => {
      this._role.hidden = bench.store.state.role !== "second";
    });
  }

  /** @param {string} words */
  fatal(words) {
    this._fatal.hidden = false;
    say(this._fatal, words);
  }

  /**
   * Fetch something large, and show how much of it is there.
   * @param {string} url @param {string} name
   * @returns {Promise<ArrayBuffer>}
   */
  async download(url, name) {
    const answer = await fetch(url);
    if (!answer.ok || !answer.body) throw new Error("It could not be fetched.");
    const length = Number(answer.headers.get("Content-Length")) || 0;
    const parts = [];
    let size = 0;
    const reader = answer.body.getReader();
    const bar = /** @type {HTMLProgressElement} */ (this._loading.lastChild);
    const later = setTimeout(() => {
      this._loading.hidden = false;
    }, LATE_MS);
    say(/** @type {Element} */ (this._loading.firstChild), `Fetching ${name}`);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        size += value.length;
        if (length) bar.value = Math.min(size / length, 1);
      }
    } finally {
      clearTimeout(later);
      this._loading.hidden = true;
    }
    return await new Blob(/** @type {any} */ (parts)).arrayBuffer();
  }
}
