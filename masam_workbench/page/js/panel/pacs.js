import { button, h, say } from "../dom.js";
import { dialog } from "./window.js";

/** @typedef {{ key: string, patient: string, name: string, date: string, study: string, about: string, modality: string, description: string, images: number | null, picture: string }} Row */

const MODALITIES = ["", "CT", "MR", "PT", "US"];
const OBJECTS = { SR: "report", SEG: "segmentation", PR: "presentation state", RTSTRUCT: "structures" };
const DOING = { search: "Searching ...", fetch: "Fetching ...", send: "Sending ..." };

/**
 * The hospital's archive: search it, open a series, send masks and report back.
 */
export class Pacs {
  /**
   * @param {import("../bench.js").Bench} bench
   * @param {() => Promise<boolean>} mayLeave asks whether unsaved work may go
   */
  constructor(bench, mayLeave) {
    this.bench = bench;
    /** @type {any[] | null} */
    this._next = null;
    this._mayLeave = mayLeave;
    this._name = field("pacs-name", "text", "e.g. Doe");
    this._patient = field("pacs-patient", "text", "");
    this._from = field("pacs-from", "date", "");
    this._to = field("pacs-to", "date", "");
    this._modality = h(
      "select",
      { "data-test": "pacs-modality" },
      ...MODALITIES.map((each) => h("option", { value: each }, each || "any")),
    );
    this._search = h("button", { type: "submit", class: "strong", "data-test": "pacs-search" }, "Search");
    const form = h(
      "form",
      {
        class: "asked",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this._find();
        },
      },
      label("Name", this._name),
      label("Patient id", this._patient),
      label("From", this._from),
      label("To", this._to),
      label("Modality", this._modality),
      this._search,
    );
    this._status = h("p", { class: "status", role: "status", "data-test": "pacs-status" });
    this._bar = h("progress", { max: 1, "aria-label": "Images that are here" });
    this._cancel = button("close", "Cancel", { "data-test": "pacs-cancel", onclick: () => bench.ask("pacsCancel") });
    this._going = h("div", { class: "row" }, this._bar, this._cancel);
    this._list = h("div", { class: "studies", "data-test": "pacs-list" });
    this._where = h("p", { class: "fine" });
    this._made = dialog("pacs", "From the PACS", form, this._status, this._going, this._list, this._where);
    bench.store.watch(["pacs"], () => this._show());
    bench.store.watch(["image"], () => this._made.close());
  }

  /** Whether this server has a PACS. */
  get there() {
    return Boolean(this.bench.store.state.pacs?.there);
  }

  /** @param {any[] | null} [next] what is said besides of a next study; null is another image */
  open(next = null) {
    this._next = next;
    this._made.showModal();
    this._name.focus();
  }

  send() {
    this.bench.say("Sending to the PACS ...");
    this.bench.ask("pacsSend");
  }

  _find() {
    const days = [this._from.value, this._to.value];
    const dates = days[0] || days[1] ? days.join("..") : "";
    this.bench.ask("pacsFind", { name: this._name.value, patient: this._patient.value, dates, modality: this._modality.value });
  }

  /** @param {Row} row */
  async _fetch(row) {
    if (this._next) {
      this.bench.ask("nextFetch", row.key, ...this._next);
      return;
    }
    this._made.close(); // the question must not lie behind it
    const may = await this._mayLeave();
    this._made.showModal();
    if (may) this.bench.ask("pacsFetch", row.key);
  }

  _show() {
    const { pacs } = this.bench.store.state;
    if (!pacs?.there) return;
    const doing = /** @type {Record<string, string>} */ (DOING)[pacs.doing] ?? "";
    const count = pacs.doing === "fetch" && pacs.total ? ` ${pacs.had} of ${pacs.total} images` : "";
    say(this._status, doing ? doing + count : pacs.message || (pacs.more ? "There may be more; narrow the search." : ""));
    this._status.className = `status ${doing ? "" : pacs.kind}`;
    this._going.hidden = !doing;
    this._bar.max = pacs.total || 1;
    if (pacs.total) this._bar.value = pacs.had;
    else this._bar.removeAttribute("value");
    this._search.disabled = Boolean(doing);
    say(this._where, pacs.words ? `Asked: ${pacs.words}` : "");
    const key = pacs.rows.map((/** @type {Row} */ row) => row.key).join(" ");
    if (key !== this._list.dataset.key) {
      this._list.dataset.key = key;
      this._list.replaceChildren(...this._studies(pacs.rows));
    }
    for (const each of this._list.querySelectorAll("button")) each.disabled = Boolean(doing);
  }

  /** @param {Row[]} rows */
  _studies(rows) {
    /** @type {Map<string, Row[]>} */
    const studies = new Map();
    for (const row of rows) studies.set(row.study, [...(studies.get(row.study) ?? []), row]);
    return [...studies.values()].map((of) =>
      h(
        "section",
        {},
        h("h2", {}, [of[0].date, of[0].name, of[0].patient, of[0].about].filter(Boolean).join("   ")),
        ...of.map((row) => this._series(row)),
      ),
    );
  }

  /** @param {Row} row */
  _series(row) {
    const what = /** @type {Record<string, string>} */ (OBJECTS)[row.modality] ?? "";
    const count = what || row.images === null ? what : `${row.images} ${row.images === 1 ? "image" : "images"}`;
    const words = [row.modality, row.description, count].filter(Boolean).join(", ");
    const picture = row.picture
      ? h("img", { src: row.picture, alt: "", width: 64, height: 64, loading: "lazy" })
      : h("span", { class: "nopicture" });
    if (!row.picture) return h("div", { class: "one" }, picture, h("span", {}, words));
    return h(
      "button",
      {
        type: "button",
        class: "one",
        "data-test": "pacs-series",
        title: "Fetch this series and open it",
        onclick: () => this._fetch(row),
      },
      picture,
      h("span", {}, words),
    );
  }
}

/** @param {string} test @param {string} type @param {string} hint */
function field(test, type, hint) {
  return h("input", { type, "data-test": test, placeholder: hint, maxlength: 100, autocomplete: "off" });
}

/** @param {string} word @param {HTMLElement} input */
function label(word, input) {
  return h("label", {}, h("span", {}, word), input);
}
