import { distance } from "./boxes.js";
import { length, subtract } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */

/**
 * A ruler (two ends), or two diameters (four ends). It belongs to a slice of a view, is the page's
 * own and ends with the image.
 *
 * `pair` waits for the second diameter.
 *
 * @typedef {{view: import("../types").ViewName, slice: number, points: Vec3[], pair: boolean}} Measure
 */

const COLOR = "#ffe066";
const NEAR = 9;

/** @param {Measure} measure @returns {number[]} mm */
function lengths({ points }) {
  const found = [];
  for (let n = 0; n + 1 < points.length; n += 2) found.push(length(subtract(points[n], points[n + 1])));
  return found;
}

/** @param {Measure} measure */
export function measureWords(measure) {
  return `${lengths(measure)
    .map((each) => each.toFixed(1))
    .join(" × ")} mm`;
}

/**
 * @param {import("./pen.js").Pen} pen
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 * @param {Measure[]} measures
 */
export function paintMeasures(pen, camera, slice, measures) {
  for (const measure of measures) {
    if (measure.view !== camera.name || measure.slice !== slice) continue;
    const seen = measure.points.map((each) => camera.toScreen(camera.grid.fromRas(each)));
    for (let n = 0; n + 1 < seen.length; n += 2) pen.lines([seen[n], seen[n + 1]], COLOR, 1.6);
    for (const at of seen) pen.dot(at, 3.2, COLOR);
    if (seen.length < 2) continue;
    const right = seen.reduce((a, b) => (b[0] > a[0] ? b : a));
    const room = camera.area.left + camera.area.width - right[0] > 130;
    pen.text(measureWords(measure), right[0] + (room ? 10 : -10), right[1] - 8, {
      color: COLOR,
      weight: 600,
      align: room ? "left" : "right",
    });
  }
}

/**
 * The end of a measurement under the pointer.
 * @param {import("./camera.js").Camera} camera @param {number} slice @param {Measure[]} measures @param {number} x @param {number} y
 * @returns {{measure: Measure, point: number} | null}
 */
export function hitMeasure(camera, slice, measures, x, y) {
  for (const measure of measures) {
    if (measure.view !== camera.name || measure.slice !== slice) continue;
    const point = measure.points.findIndex((each) => distance(camera.toScreen(camera.grid.fromRas(each)), [x, y]) < NEAR);
    if (point >= 0) return { measure, point };
  }
  return null;
}
