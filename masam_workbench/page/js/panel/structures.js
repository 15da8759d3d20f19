import { button, h, icon, say } from "../dom.js";

/**
 * Models that need no box: segment the whole volume, which classes, and what was found.
 * @param {HTMLElement} root @param {import("../bench.js").Bench} bench
 */
export function buildStructures(root, bench) {
  const { store } = bench;
  const press = button("mask", "Segment all", {
    class: "strong",
    "data-test": "segment-all",
    title: "Outline every structure that is ticked in the whole volume; nothing is drawn for it",
    onclick: () => bench.ask("segmentAll"),
  });
  const words = h("p", { class: "hint", "data-test": "automatic-words" });
  const count = h("span", { class: "count" });
  const ticks = h("div", { class: "ticks", role: "group", "aria-label": "Structures to look for" });
  const all = ["all", "none"].map((word) =>
    h(
      "button",
      { type: "button", class: "link", "data-test": `tick-${word}`, onclick: () => bench.ask("tickAll", word === "all") },
      word === "all" ? "All" : "None",
    ),
  );
  const choice = h(
    "details",
    { "data-test": "classes" },
    h("summary", {}, "Structures ", count),
    h("div", { class: "row" }, ...all),
    ticks,
  );
  const found = h("div", { class: "structures", role: "list", "aria-label": "Structures that were found", "data-test": "structures" });
  const section = h("section", { class: "automatic", "aria-label": "Whole volume" }, h("div", { class: "row" }, press), words, choice, found);
  root.append(section);
  store.watch(["automatic", "structures", "image", "busy", "loading"], () => {
    const { automatic = {}, structures = [], image, busy, loading } = store.state;
    section.hidden = !automatic.there && !structures.length;
    press.hidden = !automatic.there;
    press.disabled = !image || Boolean(loading) || (busy && !automatic.running) || Boolean(automatic.problem);
    say(/** @type {Element} */ (press.querySelector(".word")), automatic.running ? "Cancel" : "Segment all");
    say(words, automatic.problem || (automatic.only ? "This model needs no box, and takes none: choose another in Settings for boxes." : ""));
    words.hidden = !words.textContent;
    const classes = automatic.classes ?? [];
    choice.hidden = !classes.length || !automatic.there;
    say(count, `${classes.filter((/** @type {any} */ each) => each.wanted).length} of ${classes.length}`);
    const key = JSON.stringify(classes);
    if (ticks.dataset.key !== key) {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.name;
      ticks.dataset.key = key;
      ticks.replaceChildren(...classes.map((/** @type {any} */ each) => tick(bench, each)));
      const again = focused && [...ticks.querySelectorAll("input")].find((each) => each.dataset.name === focused);
      if (again) again.focus();
    }
    const rows = JSON.stringify(structures);
    if (found.dataset.key !== rows) {
      found.dataset.key = rows;
      found.replaceChildren(...structures.map((/** @type {any} */ each) => row(bench, each)));
    }
  });
}

/** @param {import("../bench.js").Bench} bench @param {{name: string, color: string, wanted: boolean}} each */
function tick(bench, { name, color, wanted }) {
  const box = h("input", { type: "checkbox", checked: wanted, "data-name": name, "data-test": "class" });
  box.addEventListener("change", () => bench.ask("tickClass", name, box.checked));
  return h("label", {}, box, dot(color), name);
}

/** @param {import("../bench.js").Bench} bench @param {any} each */
function row(bench, { id, name, color, visible }) {
  return h(
    "div",
    { class: "structure", role: "listitem", "data-test": "structure" },
    h(
      "button",
      {
        type: "button",
        class: "small only",
        "aria-label": `${visible ? "Hide" : "Show"} ${name}`,
        "aria-pressed": String(visible),
        onclick: () => bench.ask("toggleStructure", id),
      },
      icon(visible ? "eye" : "shut"),
    ),
    dot(color),
    h("span", { class: "name" }, name),
  );
}

/** @param {string} color #rrggbb */
function dot(color) {
  const made = h("span", { class: "dot", "aria-hidden": "true" });
  made.style.background = color;
  return made;
}
