import { distance, fromSegment } from "./boxes.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").Prompt} Prompt */

const POSITIVE = "#3fd2ff";
const NEGATIVE = "#ff5a5f";
const NEAR = 9; // pixels
const THICK = 0.75; // slices to either side in which a prompt is shown

/**
 * Where a prompt lies in a slice: its points on the screen, and whether it belongs to this slice.
 * @param {Vec3[]} points
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 */
export function onScreen(points, camera, slice) {
  const voxels = points.map((each) => camera.grid.fromRas(each));
  const here = voxels.some((each) => Math.abs(each[camera.plane.w] - slice) <= THICK);
  return { here, points: voxels.map((each) => camera.toScreen(each)) };
}

/**
 * Draw the prompts of a lesion.
 * @param {import("./pen.js").Pen} pen
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 * @param {import("../types").Lesion} lesion
 * @param {import("./overlay.js").Overlay} overlay
 */
export function paintMarks(pen, camera, slice, lesion, overlay) {
  const selected = lesion.id === overlay.store.state.selected;
  if (!selected) return;
  for (const prompt of lesion.prompts) {
    const points = overlay.moved.get(prompt.id) ?? prompt.points;
    const { here, points: seen } = onScreen(points, camera, slice);
    if (here && seen.length) paintMark(pen, prompt.kind, prompt.positive, seen);
  }
}

/**
 * @param {import("./pen.js").Pen} pen
 * @param {string} kind
 * @param {boolean} positive
 * @param {number[][]} seen on the screen
 */
export function paintMark(pen, kind, positive, seen) {
  const color = positive ? POSITIVE : NEGATIVE;
  if (kind === "point") {
    for (const at of seen) sign(pen, at, positive);
  } else if (kind === "lasso") {
    pen.lines([...seen, seen[0]], color, 1.8, positive ? [] : [6, 4]);
  } else if (kind === "line" || kind === "across") {
    for (let n = 0; n + 1 < seen.length; n += 2) pen.lines([seen[n], seen[n + 1]], "#ffffff", 1.8);
    for (const at of seen) pen.dot(at, 3.5, "#fff");
  } else if (kind === "slicebox" || kind === "box") {
    const [a, b] = [seen[0], seen[seen.length - 1]];
    pen.lines([a, [b[0], a[1]], b, [a[0], b[1]], a], "#ffffff", 1.2, [2, 3]);
  } else {
    pen.lines(seen, color, 3, positive ? [] : [6, 4]);
  }
}

/** A dot with + or - in it: the form tells them apart, not the colour alone. @param {import("./pen.js").Pen} pen @param {number[]} at @param {boolean} positive */
function sign(pen, [x, y], positive) {
  pen.dot([x, y], 6.5, positive ? POSITIVE : NEGATIVE, "#000");
  const { context } = pen;
  context.strokeStyle = "#000";
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - 3.5, y);
  context.lineTo(x + 3.5, y);
  if (positive) {
    context.moveTo(x, y - 3.5);
    context.lineTo(x, y + 3.5);
  }
  context.stroke();
}

/**
 * The prompt under the pointer, and which of its points; -1 moves the whole of it.
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 * @param {Prompt[]} prompts
 * @param {number} x @param {number} y
 * @returns {{prompt: Prompt, point: number} | null}
 */
export function hitMark(camera, slice, prompts, x, y) {
  for (const prompt of [...prompts].reverse()) {
    const { here, points } = onScreen(prompt.points, camera, slice);
    if (!here || prompt.kind === "box") continue;
    const single = prompt.kind === "point" || prompt.kind === "line" || prompt.kind === "across" || prompt.kind === "slicebox";
    const point = points.findIndex((each) => distance(each, [x, y]) < NEAR);
    if (point >= 0) return { prompt, point: single ? point : -1 };
    if (prompt.kind === "point" || prompt.kind === "slicebox") continue;
    const step = prompt.kind === "line" || prompt.kind === "across" ? 2 : 1;
    for (let n = 0; n + 1 < points.length; n += step) {
      if (fromSegment([x, y], points[n], points[n + 1]) < NEAR - 3) return { prompt, point: -1 };
    }
  }
  return null;
}
