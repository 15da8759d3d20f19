import { button, h, say } from "../dom.js";
import { TITLES } from "../names.js";
import { side } from "../view/grid.js";
import { label } from "./place.js";
import { fromNumber, place, short, title } from "../view/words.js";

/** @typedef {import("../types").TileName} TileName */
/** @typedef {import("../types").ViewName} ViewName */

/** @type {TileName[]} */
const ALL = ["axial", "space", "coronal", "sagittal"];

/**
 * What can be pointed at and focused over the views: an area a view, with its slice and a button
 * that shows it alone.
 * @param {HTMLElement} root
 * @param {import("../bench.js").Bench} bench
 * @param {import("../tools/mouse.js").Mouse} mouse
 * @param {string} [which] study, before the names of its parts
 */
export function buildTiles(root, bench, mouse, which = "") {
  const of = which ? "Earlier study, " : "";
  const { viewer } = bench;
  const tiles = ALL.map((name) => {
    const area = h("div", {
      class: "tile",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "view",
      "data-test": `${which}view-${name}`,
    });
    const enlarge = button("fit", "", { class: "small", "data-test": `${which}enlarge-${name}`, onclick: () => viewer.enlarge(name) });
    const slider =
      name === "space"
        ? null
        : h("input", {
            type: "range",
            min: 1,
            max: 1,
            step: 1,
            value: 1,
            "data-test": `${which}slice-${name}`,
            "aria-label": `${of}${TITLES[name]} slice`,
          });
    const number = h("span", { class: "sr-only", "data-test": `${which}place-${name}` });
    slider?.addEventListener("input", () => {
      const camera = viewer.cameras?.[/** @type {ViewName} */ (name)];
      if (camera) viewer.setSlice(camera.name, fromNumber(camera, Number(slider.value)));
    });
    const controls = h("div", { class: "controls" }, slider, enlarge, number);
    const frame = h("div", { class: "frame" }, area, controls);
    area.addEventListener("focus", () => viewer.activate(name));
    mouse.bind(area, name);
    root.append(frame);
    return { name, frame, area, enlarge, slider, number };
  });
  viewer.onChange(() => {
    if (viewer.active !== "space") bench.plane = viewer.active;
    for (const { name, frame, area, enlarge, slider, number } of tiles) {
      const where = viewer.areas.get(name);
      frame.hidden = !where;
      if (!where) continue;
      Object.assign(frame.style, {
        left: `${where.left}px`,
        top: `${where.top}px`,
        width: `${where.width}px`,
        height: `${where.height}px`,
      });
      const alone = viewer.layout === "one";
      enlarge.hidden = which !== "";
      label(enlarge, alone ? "Show all views" : `Show the ${TITLES[name]} view alone`);
      if (!slider || !viewer.cameras) {
        label(area, `${of}${TITLES[name]} view`);
        continue;
      }
      slider.hidden = where.width < 380;
      const camera = viewer.cameras[/** @type {ViewName} */ (name)];
      const { grid } = camera;
      const { u, v } = camera.plane;
      const at = place(camera, viewer);
      if (slider.max !== String(at.count)) slider.max = String(at.count);
      if (slider.value !== String(at.number)) slider.value = String(at.number);
      const words = `${at.number} / ${at.count}`;
      say(number, words);
      slider.setAttribute("aria-valuetext", `${at.number} of ${at.count}, ${at.mm} mm`);
      label(area, of + describe(camera, viewer, at));
      area.dataset.letters = [grid.letters(u, true), grid.letters(u, false), grid.letters(v, true), grid.letters(v, false)].join(
        " ",
      );
    }
  });
  bench.store.watch(["image"], () => {
    root.hidden = !bench.store.state.image;
  });
}

/**
 * A view in words, with the crosshair's position and value.
 * @param {import("../view/camera.js").Camera} camera
 * @param {import("../view/viewer.js").Viewer} viewer
 * @param {{number: number, count: number}} at
 */
function describe(camera, viewer, at) {
  const ras = camera.grid.toRas(viewer.cross);
  const value = viewer.value(viewer.cross);
  const where = [0, 1, 2].map((axis) => side(axis, ras[axis])).join(", ");
  return `${title(camera)} view, slice ${at.number} of ${at.count}. Crosshair ${where} mm${value === undefined ? "" : `, value ${short(value)}`}`;
}
