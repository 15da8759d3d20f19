import { button, h, say } from "../dom.js";
import { TITLES } from "../names.js";
import { VIEWS } from "../view/grid.js";
import { short } from "../view/words.js";

/**
 * What two views side by side have in common: the plane, whether they are linked and by what, and
 * the earlier study's window.
 * @param {HTMLElement} root
 * @param {import("../bench.js").Bench} bench
 * @param {import("../beside.js").Beside} beside
 */
export function buildLinkbar(root, bench, beside) {
  const { store, viewer } = bench;
  const { linked } = beside;
  root.setAttribute("data-test", "linkbar");
  const planes = VIEWS.map((name) =>
    button("", TITLES[name], { "data-test": `plane-${name}`, onclick: () => viewer.setPlane(name) }),
  );
  const link = button("link", "Link", {
    "data-test": "link",
    onclick: () => {
      linked.on = !linked.on;
      linked.outside = false;
      linked.again();
      show();
    },
  });
  const legend = h("span", { class: "legend", role: "status", "data-test": "legend" });
  const preset = h("select", { "data-test": "earlier-preset", "aria-label": "Window preset of the earlier study" });
  const typed = ["window", "level"].map((what) =>
    h("input", {
      type: "number",
      step: "any",
      "data-test": `earlier-${what}-field`,
      "aria-label": `Window ${what === "window" ? "width" : "level"} of the earlier study`,
    }),
  );
  preset.addEventListener("change", () => {
    const found = store.state.earlier?.image.windows[Number(preset.value)];
    if (found) beside.viewer.setWindow(found.window, found.level);
  });
  for (const field of typed) {
    field.addEventListener("change", () => {
      const [window, level] = typed.map((each) => Number(each.value));
      if (window > 0 && Number.isFinite(level)) beside.viewer.setWindow(window, level);
    });
  }
  root.append(
    h(
      "div",
      { class: "group", role: "group", "aria-label": "Window of the earlier study" },
      "Earlier",
      preset,
      h("label", {}, "W", typed[0]),
      h("label", {}, "L", typed[1]),
    ),
    h("div", { class: "group joined planes", role: "group", "aria-label": "Plane" }, ...planes),
    link,
    legend,
  );

  function show() {
    root.hidden = viewer.layout !== "two" || !beside.there;
    if (root.hidden) return;
    VIEWS.forEach((name, n) => planes[n].setAttribute("aria-pressed", String(name === viewer.large)));
    link.setAttribute("aria-pressed", String(linked.works));
    link.disabled = !linked.matching;
    link.title = linked.on ? "Let each view go its own way" : "Let both views look at the same place";
    const { words, warns } = legendOf(store.state, linked);
    say(legend, words);
    legend.classList.toggle("warning", warns);
  }
  linked.onChange = show;
  viewer.onChange(show);
  store.watch(["link", "followup", "earlier"], show);
  store.watch(["earlier"], () => {
    const windows = store.state.earlier?.image.windows ?? [];
    const key = JSON.stringify(windows);
    if (preset.dataset.key === key) return;
    preset.dataset.key = key;
    preset.replaceChildren(
      h("option", { value: "", hidden: true }, "Own"),
      ...windows.map((each, n) => h("option", { value: n }, each.name)),
    );
  });
  beside.viewer.onChange(() => {
    [beside.viewer.window, beside.viewer.level].forEach((value, n) => {
      if (document.activeElement !== typed[n]) typed[n].value = short(value);
    });
    const windows = store.state.earlier?.image.windows ?? [];
    const found = windows.findIndex(
      (each) =>
        Math.abs(each.window - beside.viewer.window) < 1e-3 * each.window &&
        Math.abs(each.level - beside.viewer.level) < 1e-3 * each.window,
    );
    if (document.activeElement !== preset) preset.value = found < 0 ? "" : String(found);
  });
}

/**
 * What links the views, in words.
 * @param {import("../types").State} state @param {import("../view/linked.js").Linked} linked
 * @returns {{words: string, warns: boolean}}
 */
function legendOf({ link, followup }, linked) {
  if (followup?.running) return { words: "Laying the studies over each other; not linked yet.", warns: false };
  if (link?.trust === "failed")
    return { words: `The studies could not be laid over each other: ${link.words}. Not linked.`, warns: true };
  if (!linked.matching) return { words: "Not laid over each other; not linked.", warns: false };
  if (!linked.on) return { words: "Not linked: each view goes its own way.", warns: false };
  if (linked.outside) return { words: "This place lies outside of the other study.", warns: true };
  const around = link.around ?? [];
  const bent = around.filter((each) => each.elastic).length;
  const local = around.length ? `, adjusted around ${count(around.length)}${bent ? ` (${bent} elastically)` : ""}` : "";
  const doubt = link.trust === "doubtful" ? ` Doubtful: ${link.words}.` : "";
  return { words: `Linked by rigid registration${local}; each study in its own slices.${doubt}`, warns: doubt !== "" };
}

/** @param {number} lesions */
function count(lesions) {
  return lesions === 1 ? "1 lesion" : `${lesions} lesions`;
}
