import { button, h, say } from "../dom.js";
import { toggle } from "../keys.js";
import { LAYOUTS, layoutsOf } from "../view/layout.js";
import { short } from "../view/words.js";
import { menu } from "./menu.js";
import { toolButton } from "./toolbox.js";

const SLABS = [0, 5, 10, 20, 30]; // mm

/** @param {HTMLElement} root @param {import("../bench.js").Bench} bench */
export function buildViewbar(root, bench) {
  const { store, viewer } = bench;
  const layouts = LAYOUTS.map((each) =>
    button(each.icon, each.name, {
      "data-test": `layout-${each.key}`,
      title: `${each.words} (Y goes through them)`,
      onclick: () => viewer.setLayout(each.key),
    }),
  );
  const preset = h("select", { "data-test": "preset", "aria-label": "Window preset", title: "Window presets (keys 1 to 9)" });
  const typed = ["window", "level"].map((what) =>
    h("input", {
      type: "number",
      step: "any",
      "data-test": `${what}-field`,
      "aria-label": what === "window" ? "Window width" : "Window level",
    }),
  );
  preset.addEventListener("change", () => {
    const found = store.state.image?.windows[Number(preset.value)];
    if (found) viewer.setWindow(found.window, found.level);
  });
  for (const field of typed) {
    field.addEventListener("change", () => {
      const [window, level] = typed.map((each) => Number(each.value));
      if (window > 0 && Number.isFinite(level)) viewer.setWindow(window, level);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") field.blur();
    });
  }
  const slab = h(
    "select",
    {
      "data-test": "slab",
      "aria-label": "Maximum intensity projection",
      title: "Largest value of some slices: finds nodules of the lung",
    },
    ...SLABS.map((mm) => h("option", { value: mm }, mm ? `MIP ${mm} mm` : "MIP off")),
  );
  slab.addEventListener("change", () => {
    viewer.slab = Number(slab.value);
    viewer.change();
  });
  const shows = buildShow(bench);
  const frames = buildFrames(bench);
  root.append(
    h("div", { class: "group joined", role: "group", "aria-label": "Layout" }, ...layouts),
    h(
      "div",
      { class: "group", role: "group", "aria-label": "Window and level" },
      preset,
      h("label", {}, "W", typed[0]),
      h("label", {}, "L", typed[1]),
    ),
    slab,
    frames,
    h(
      "div",
      { class: "group", role: "group", "aria-label": "Measure" },
      toolButton(bench, "window"),
      toolButton(bench, "ruler"),
      toolButton(bench, "diameters"),
    ),
    h(
      "div",
      { class: "group" },
      button("fit", "Fit", {
        "data-test": "fit",
        title: "Show all of every view again (A)",
        "aria-keyshortcuts": "A",
        onclick: () => viewer.fit(),
      }),
      shows.opener,
    ),
    shows.sheet,
  );
  store.watch(["image"], () => {
    const windows = store.state.image?.windows ?? [];
    preset.replaceChildren(
      h("option", { value: "", hidden: true }, "Own"),
      ...windows.map((each, n) => h("option", { value: n }, each.name)),
    );
    root.inert = !store.state.image;
    root.classList.toggle("off", root.inert);
  });
  viewer.onChange(() => {
    LAYOUTS.forEach((each, n) => {
      layouts[n].setAttribute("aria-pressed", String(each.key === viewer.layout));
      layouts[n].hidden = !layoutsOf(viewer).includes(each);
    });
    [viewer.window, viewer.level].forEach((value, n) => {
      if (document.activeElement !== typed[n]) typed[n].value = short(value);
    });
    const windows = store.state.image?.windows ?? [];
    const found = windows.findIndex(
      (each) =>
        Math.abs(each.window - viewer.window) < 1e-3 * each.window && Math.abs(each.level - viewer.level) < 1e-3 * each.window,
    );
    if (document.activeElement !== preset || preset.value !== String(found)) preset.value = found < 0 ? "" : String(found);
  });
}

/** Frames of a sequence, one after the other; not there for a single image. @param {import("../bench.js").Bench} bench */
function buildFrames(bench) {
  const { store } = bench;
  const [back, forth] = [-1, 1].map((by) =>
    button(by < 0 ? "back" : "forth", "", {
      "data-test": by < 0 ? "frame-back" : "frame-forth",
      "aria-label": by < 0 ? "Previous frame" : "Next frame",
      "aria-keyshortcuts": by < 0 ? "," : ".",
      title: by < 0 ? "Previous frame (,)" : "Next frame (.)",
      onclick: () => bench.ask("stepFrame", by),
    }),
  );
  const where = h("output", { class: "number", "data-test": "frame", "aria-live": "polite" });
  const group = h("div", { class: "group", role: "group", "aria-label": "Frames", hidden: true }, back, where, forth);
  store.watch(["image"], () => {
    const { frame, frames } = store.state.image ?? { frame: 0, frames: 1 };
    group.hidden = frames < 2;
    say(where, `frame ${frame + 1} of ${frames}`);
    back.disabled = frame <= 0;
    forth.disabled = frame >= frames - 1;
  });
  return group;
}

/** What is shown over the image. @param {import("../bench.js").Bench} bench */
function buildShow(bench) {
  const { look } = bench;
  /** @type {["masks" | "boxes" | "cross" | "names", string, string][]} */
  const parts = [
    ["masks", "Masks", "V"],
    ["boxes", "Boxes", "G"],
    ["cross", "Crosshair", "C"],
    ["names", "Patient and study", "H"],
  ];
  const boxes = parts.map(([what]) => {
    const box = h("input", { type: "checkbox", "data-test": `show-${what}` });
    box.addEventListener("change", () => toggle(bench, what));
    return box;
  });
  const fill = h("input", {
    type: "range",
    min: 0,
    max: 60,
    step: 5,
    "data-test": "fill",
    "aria-label": "Opacity of masks; none shows outlines only",
  });
  const value = h("output", { class: "number" });
  fill.addEventListener("input", () => {
    look.fill = Number(fill.value) / 100;
    look.keep();
    bench.changed();
  });
  const made = menu(
    "eye",
    "Show",
    { "data-test": "show-menu", title: "What is shown over the image" },
    ...parts.map(([, word, key], n) =>
      h("label", { class: "item" }, boxes[n], h("span", { class: "word" }, word), h("kbd", { "aria-hidden": "true" }, key)),
    ),
    h("label", { class: "item" }, h("span", { class: "word" }, "Filling"), fill, value),
  );
  bench.onChange(() => {
    parts.forEach(([what], n) => {
      boxes[n].checked = look[what];
    });
    fill.value = String(Math.round(100 * look.fill));
    say(value, look.fill ? `${Math.round(100 * look.fill)} %` : "outlines");
  });
  return made;
}
