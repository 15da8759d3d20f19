import { button, h, say } from "../dom.js";
import { item, menu } from "./menu.js";
import { TOOLS } from "../tools/tools.js";
import { END_WORDS } from "../names.js";

/** @typedef {import("../bench.js").Bench} Bench */

const NEW = ["box", "line", "slicebox", "click"];
const CORRECT = ["point", "notpoint", "scribble", "lasso", "brush", "eraser"];

/**
 * A button of a tool.
 * @param {Bench} bench @param {string} name
 */
export function toolButton(bench, name) {
  const tool = TOOLS[name];
  const made = button(
    tool.icon,
    tool.word,
    {
      class: "tool",
      "data-test": name,
      title: `${tool.about} (${tool.key})`,
      "aria-keyshortcuts": tool.key,
      "aria-pressed": "false",
      // With Shift a scribble or lasso takes away.
      onclick: (/** @type {MouseEvent} */ event) => bench.setTool(event.shiftKey && TOOLS[`not${name}`] ? `not${name}` : name),
    },
    tool.key,
  );
  bench.onChange(() => {
    const on = bench.tool === name || (bench.tool === `not${name}` && name !== "point");
    made.setAttribute("aria-pressed", String(on));
    made.classList.toggle("negative", bench.tool === `not${name}` && name !== "point");
  });
  return made;
}

/** @param {HTMLElement} root @param {Bench} bench */
export function buildTools(root, bench) {
  const { store, viewer } = bench;
  const first = NEW.map((name) => toolButton(bench, name));
  const correct = CORRECT.map((name) => toolButton(bench, name));
  const lower = button(
    "",
    "Lower end here",
    { "data-test": "end-lower", "aria-keyshortcuts": "[", onclick: () => bench.setEnd("lower") },
    "[",
  );
  const upper = button(
    "",
    "Upper end here",
    { "data-test": "end-upper", "aria-keyshortcuts": "]", onclick: () => bench.setEnd("upper") },
    "]",
  );
  root.append(
    h(
      "section",
      { class: "tools", "aria-label": "Tools" },
      h("div", { class: "four", role: "group", "aria-label": "Mark a new lesion" }, ...first),
      h("div", { class: "two", role: "group", "aria-label": "Ends of the box, in the view used last" }, upper, lower),
      h("div", { class: "three", role: "group", "aria-label": "Correct the selected lesion" }, ...correct),
    ),
  );
  const show = () => {
    const image = store.state.image !== null;
    const lesion = store.selected;
    for (const each of first) each.disabled = !image;
    correct.forEach((each, n) => {
      const name = CORRECT[n];
      each.disabled = !image || (name !== "brush" && name !== "point" && !lesion?.mask) || Boolean(lesion?.locked);
    });
    for (const each of [lower, upper]) each.disabled = !lesion?.box || lesion.locked;
    const words = END_WORDS[bench.plane];
    say(/** @type {Element} */ (upper.querySelector(".word")), `${words[0]} end here`);
    say(/** @type {Element} */ (lower.querySelector(".word")), `${words[1]} end here`);
    upper.title = `The slice of the ${bench.plane} view becomes the ${words[0].toLowerCase()} end of the box (])`;
    lower.title = `The slice of the ${bench.plane} view becomes the ${words[1].toLowerCase()} end of the box ([)`;
  };
  store.watch(["image", "lesions", "selected"], show);
  viewer.onChange(show);
  bench.onChange(() => {
    /** @type {HTMLElement} */ (document.querySelector(".workbench")).dataset.tool = bench.tool;
  });
}

/**
 * What brush and eraser can be set to; over the views, and there only while they are in hand.
 * @param {HTMLElement} root @param {Bench} bench
 */
export function buildBrushbar(root, bench) {
  const { look, store } = bench;
  const radius = h("input", {
    type: "range",
    min: 1,
    max: 25,
    step: 0.5,
    value: look.radius,
    "data-test": "radius",
    "aria-label": "Radius of the brush, mm",
  });
  const shown = h("output", {}, "");
  const sphere = h("input", { type: "checkbox", "data-test": "sphere" });
  const limited = h("input", { type: "checkbox", "data-test": "limited" });
  const low = h("input", { type: "number", value: look.low, "data-test": "low", "aria-label": "Lowest value that is painted" });
  const high = h("input", {
    type: "number",
    value: look.high,
    "data-test": "high",
    "aria-label": "Highest value that is painted",
  });
  const unit = h("span", {}, "");
  sphere.checked = look.shape === "sphere";
  limited.checked = look.limited;
  const take = () => {
    look.radius = Number(radius.value);
    look.shape = sphere.checked ? "sphere" : "disc";
    look.limited = limited.checked;
    if (low.value !== "" && high.value !== "")
      [look.low, look.high] = [Number(low.value), Number(high.value)].sort((a, b) => a - b);
    look.keep();
    bench.changed();
  };
  for (const each of [radius, sphere, limited]) each.addEventListener("input", take);
  for (const each of [low, high]) each.addEventListener("change", take);
  const whole = menu(
    "mask",
    "Whole mask",
    { "data-test": "hand-menu", title: "Smooth, grow, shrink, fill between slices, keep or remove a piece" },
    ...HAND.map(([word, about, ask]) =>
      item("", word, about, {
        "data-test": `hand-${word.toLowerCase().replace(/\W+/g, "-")}`,
        onclick: () => store.state.selected && ask(bench),
      }),
    ),
  );
  root.append(
    h("label", {}, "Radius", radius, shown),
    h("label", { title: "Paint in neighbouring slices, too" }, sphere, "Sphere"),
    h("label", { title: "Only voxels with values from here to there are changed" }, limited, "Values"),
    low,
    h("span", {}, "to"),
    high,
    unit,
    whole.opener,
    whole.sheet,
  );
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Brush");
  bench.onChange(() => {
    root.hidden = bench.tool !== "brush" && bench.tool !== "eraser";
    say(shown, `${look.radius} mm`);
    say(unit, store.state.image?.unit ?? "");
    low.disabled = high.disabled = !look.limited;
  });
}

const STEP_MM = 1;

/** @type {[string, string, (bench: Bench) => void][]} */
const HAND = [
  ["Smooth", "Smooth the selected mask's surface", (bench) => bench.ask("smooth", bench.store.state.selected, 2 * STEP_MM)],
  ["Grow", "Grow the selected mask by 1 mm", (bench) => bench.ask("grow", bench.store.state.selected, STEP_MM)],
  ["Shrink", "Shrink the selected mask by 1 mm", (bench) => bench.ask("grow", bench.store.state.selected, -STEP_MM)],
  [
    "Fill between",
    "Interpolate between slices that were painted",
    (bench) => bench.ask("interpolate", bench.store.state.selected),
  ],
  [
    "Keep piece",
    "Keep only the piece of the mask at the crosshair",
    (bench) => bench.ask("keepPiece", bench.store.state.selected, crossRas(bench)),
  ],
  [
    "Remove piece",
    "Remove the piece of the mask at the crosshair",
    (bench) => bench.ask("removePiece", bench.store.state.selected, crossRas(bench)),
  ],
];

/** @param {Bench} bench */
function crossRas({ viewer }) {
  return viewer.grid?.toRas(viewer.cross);
}
