import { distance } from "./boxes.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").Side} Side */

const COLOR = "#ffb52e";
const OUT = 17; // pixels from the side to the button
const RADIUS = 10;

/**
 * Where a side of a box at which the mask ends flat crosses a slice, on the screen, and where the
 * button stands that extends the box there.
 *
 * @typedef {{side: Side, from: [number, number], to: [number, number], button: [number, number]}} Mark
 */

/**
 * @param {import("../types").Lesion} lesion
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 * @returns {Mark[]}
 */
export function sideMarks(lesion, camera, slice) {
  if (!lesion.box || lesion.locked) return [];
  const middle = camera.toScreen(camera.grid.fromRas(lesion.box.center));
  return lesion.extendable.flatMap((side) => {
    const cut = crossing(
      side.plane.map((each) => camera.grid.fromRas(each)),
      camera.plane.w,
      slice,
    );
    if (!cut) return [];
    const [from, to] = cut.map((each) => camera.toScreen(each));
    const half = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    const along = [to[0] - from[0], to[1] - from[1]];
    const long = Math.hypot(along[0], along[1]) || 1;
    const normal = [-along[1] / long, along[0] / long];
    const sign = Math.sign((half[0] - middle[0]) * normal[0] + (half[1] - middle[1]) * normal[1]) || 1;
    return [
      {
        side,
        from,
        to,
        button: /** @type {[number, number]} */ ([half[0] + sign * OUT * normal[0], half[1] + sign * OUT * normal[1]]),
      },
    ];
  });
}

/**
 * The line in which a flat shape crosses a slice.
 * @param {Vec3[]} corners voxels @param {number} axis through the slice @param {number} slice
 * @returns {[Vec3, Vec3] | null}
 */
function crossing(corners, axis, slice) {
  /** @type {Vec3[]} */
  const found = [];
  corners.forEach((a, n) => {
    const b = corners[(n + 1) % corners.length];
    const [over, under] = [a[axis] - slice, b[axis] - slice];
    if (over > 0 === under > 0) return;
    const part = over / (over - under);
    found.push(/** @type {Vec3} */ (a.map((each, k) => each + part * (b[k] - each))));
  });
  return found.length === 2 ? [found[0], found[1]] : null;
}

/** @param {import("./pen.js").Pen} pen @param {Mark[]} marks */
export function paintSides(pen, marks) {
  for (const { from, to, button } of marks) {
    pen.lines([from, to], COLOR, 3);
    pen.dot(button, RADIUS, COLOR, "#000");
    const half = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    const [x, y] = [(button[0] - half[0]) / OUT, (button[1] - half[1]) / OUT];
    const tip = [button[0] + 6 * x, button[1] + 6 * y];
    const { context } = pen;
    context.strokeStyle = "#000";
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(button[0] - 6 * x, button[1] - 6 * y);
    context.lineTo(tip[0], tip[1]);
    context.moveTo(tip[0] - 4 * x - 4 * y, tip[1] - 4 * y + 4 * x);
    context.lineTo(tip[0], tip[1]);
    context.lineTo(tip[0] - 4 * x + 4 * y, tip[1] - 4 * y - 4 * x);
    context.stroke();
  }
}

/** @param {Mark[]} marks @param {number} x @param {number} y @returns {Side | null} whose button is there */
export function hitSide(marks, x, y) {
  return marks.find((each) => distance(each.button, [x, y]) < RADIUS + 2)?.side ?? null;
}
