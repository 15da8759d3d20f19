import { add, subtract } from "../view/vectors.js";
import { moveFaces } from "../view/boxes.js";

/** @typedef {import("../bench.js").Bench} Bench */
/** @typedef {import("../view/camera.js").Camera} Camera */

/**
 * What the pointer does between press and release.
 *
 * @typedef {{
 *   move: (x: number, y: number, event: PointerEvent) => void,
 *   end: (x: number, y: number, event: PointerEvent) => void,
 *   cancel?: () => void,
 *   sticky?: boolean,
 * }} Gesture `sticky` goes on after a click without a drag, to the next click
 */

const WINDOW_PIXELS = 400; // of a drag that change window or level by as much as the window was

/** Move the crosshair. @param {Bench} bench @param {Camera} camera @returns {Gesture} */
export function crosshair({ viewer }, camera) {
  const to = (/** @type {number} */ x, /** @type {number} */ y) =>
    viewer.setCross(camera.fromScreen(x, y, viewer.cross[camera.plane.w]));
  return { move: to, end: to };
}

/** @param {Bench} bench @param {Camera} camera @param {number} x @param {number} y @returns {Gesture} */
export function pan({ viewer }, camera, x, y) {
  let last = [x, y];
  const move = (/** @type {number} */ newX, /** @type {number} */ newY) => {
    camera.pan(newX - last[0], newY - last[1]);
    last = [newX, newY];
    viewer.change();
  };
  return { move, end: move };
}

/** Sideways the window, up and down the level. @param {Bench} bench @param {number} x @param {number} y @returns {Gesture} */
export function windowing({ viewer }, x, y) {
  const { window, level } = viewer;
  const step = Math.max(Math.abs(window), 1e-6) / WINDOW_PIXELS;
  const set = (/** @type {number} */ newX, /** @type {number} */ newY, /** @type {boolean} */ settled) =>
    viewer.setWindow(Math.max(window + (newX - x) * step, step), level + (newY - y) * step, settled);
  return {
    move: (newX, newY) => set(newX, newY, false),
    end: (newX, newY) => set(newX, newY, true),
    cancel: () => viewer.setWindow(window, level),
  };
}

/** @param {Bench} bench @param {number} x @param {number} y @returns {Gesture} */
export function turning({ viewer }, x, y) {
  let last = [x, y];
  const move = (/** @type {number} */ newX, /** @type {number} */ newY) => {
    viewer.space.turn(newX - last[0], newY - last[1]);
    last = [newX, newY];
  };
  return { move, end: move };
}

/**
 * Move sides of a box, or the whole of it; the tab hears of it at the end.
 * @param {Bench} bench
 * @param {Camera} camera
 * @param {import("../types").Lesion} lesion
 * @param {import("../view/boxes.js").Face[] | null} faces null moves the whole box
 * @param {number} x @param {number} y
 * @returns {Gesture}
 */
export function boxDrag(bench, camera, lesion, faces, x, y) {
  const { viewer, overlay } = bench;
  const box = /** @type {import("../types").Box} */ (overlay.boxOf(lesion)); // as it is shown: the tab may not have answered
  const slice = viewer.slice(camera.name);
  const normal = camera.grid.directions[camera.plane.w];
  const least = Math.min(...camera.grid.spacing);
  const from = camera.grid.toRas(camera.fromScreen(x, y, slice));
  /** @type {import("../types").Box | null} */
  let now = null;
  return {
    move(newX, newY) {
      if (!now && Math.hypot(newX - x, newY - y) <= 2) return;
      const way = subtract(camera.grid.toRas(camera.fromScreen(newX, newY, slice)), from);
      now = faces ? moveFaces(box, faces, way, normal, least) : { ...box, center: add(box.center, way) };
      overlay.moved.set(lesion.id, now);
      viewer.change(false);
    },
    end() {
      if (now) bench.moveBox(lesion.id, now);
    },
    cancel() {
      overlay.moved.delete(lesion.id);
      viewer.change(false);
    },
  };
}

/**
 * Move a prompt, or one of its points.
 * @param {Bench} bench
 * @param {Camera} camera
 * @param {string} lesion
 * @param {import("../types").Prompt} prompt
 * @param {number} point -1 moves the whole
 * @param {number} x @param {number} y
 * @returns {Gesture}
 */
export function markDrag(bench, camera, lesion, prompt, point, x, y) {
  const { viewer, overlay } = bench;
  const slice = viewer.slice(camera.name);
  const ras = (/** @type {number} */ px, /** @type {number} */ py) => camera.grid.toRas(camera.fromScreen(px, py, slice));
  const from = ras(x, y);
  /** @type {import("../types").Vec3[] | null} */
  let points = null;
  return {
    move(newX, newY) {
      if (!points && Math.hypot(newX - x, newY - y) <= 2) return;
      const way = subtract(ras(newX, newY), from);
      points = prompt.points.map((each, n) => (point < 0 || n === point ? add(each, way) : each));
      overlay.moved.set(prompt.id, points);
      viewer.change(false);
    },
    end() {
      if (points) bench.moving(prompt.id, bench.ask("movePrompt", lesion, prompt.id, points));
      else bench.pickPrompt(prompt.id);
    },
    cancel() {
      overlay.moved.delete(prompt.id);
      viewer.change(false);
    },
  };
}

/**
 * Move the end of a ruler.
 * @param {Bench} bench @param {Camera} camera @param {import("../view/measures.js").Measure} measure @param {number} point
 * @returns {Gesture}
 */
export function measureDrag({ viewer }, camera, measure, point) {
  const move = (/** @type {number} */ x, /** @type {number} */ y) => {
    measure.points[point] = camera.grid.toRas(camera.fromScreen(x, y, measure.slice));
    viewer.change(false);
  };
  return { move, end: move };
}
