import { add, clamp, dot, length, scale, subtract } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").Box} Box */
/** @typedef {{axis: number, sign: number}} Face */

/**
 * What is seen of a box in a slice: its corners on the screen, and of each edge the face of the box
 * that it belongs to (the edge from corner n to corner n + 1).
 *
 * @typedef {{corners: [number, number][], faces: Face[]}} Outline
 */

/**
 * Cut a box, also a turned one, with the plane of a slice.
 * @param {Box} box
 * @param {import("./camera.js").Camera} camera
 * @param {number} slice
 * @returns {Outline | null} null where the slice misses it
 */
export function outline(box, camera, slice) {
  const { grid, plane } = camera;
  // The plane as a square far larger than the box, then one side of the box after the other cuts it.
  const middle = grid.fromRas(box.center);
  middle[plane.w] = slice;
  const reach = 2 * length(box.size) + 2 * Math.abs(grid.fromRas(box.center)[plane.w] - slice) * grid.spacing[plane.w];
  const corner = (/** @type {number} */ right, /** @type {number} */ up) => {
    /** @type {Vec3} */
    const o = [...middle];
    o[plane.u] += (right * reach) / grid.spacing[plane.u];
    o[plane.v] += (up * reach) / grid.spacing[plane.v];
    return grid.toRas(o);
  };
  /** @type {{at: Vec3, face: Face | null}[]} each point, and the face of the edge that begins there */
  let shape = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)].map((at) => ({ at, face: null }));
  for (let axis = 0; axis < 3; axis += 1) {
    for (const sign of [-1, 1]) {
      const over = (/** @type {Vec3} */ p) => sign * dot(subtract(p, box.center), box.axes[axis]) - box.size[axis] / 2;
      shape = cut(shape, over, { axis, sign });
      if (shape.length < 3) return null;
    }
  }
  if (shape.some((each) => each.face === null)) return null;
  return {
    corners: shape.map((each) => camera.toScreen(grid.fromRas(each.at))),
    faces: shape.map((each) => /** @type {Face} */ (each.face)),
  };
}

/**
 * Cut a convex shape with a half space.
 * @param {{at: Vec3, face: Face | null}[]} shape
 * @param {(p: Vec3) => number} over how far a point lies outside
 * @param {Face} face of the new edge
 */
function cut(shape, over, face) {
  const kept = [];
  for (let n = 0; n < shape.length; n += 1) {
    const [here, then] = [shape[n], shape[(n + 1) % shape.length]];
    const [a, b] = [over(here.at), over(then.at)];
    if (a <= 0) kept.push(here);
    if (a <= 0 !== b <= 0) {
      const at = add(here.at, scale(subtract(then.at, here.at), a / (a - b)));
      kept.push({ at, face: a <= 0 ? face : here.face });
    }
  }
  return kept;
}

/**
 * Move faces of a box by a way in the plane of a view.
 * @param {Box} box as it was when the drag began
 * @param {Face[]} faces one for a side, two for a corner
 * @param {Vec3} way RAS, mm
 * @param {Vec3} normal of the view, RAS
 * @param {number} least mm of a side
 * @returns {Box}
 */
export function moveFaces(box, faces, way, normal, least) {
  const size = /** @type {Vec3} */ ([...box.size]);
  let center = box.center;
  for (const { axis, sign } of faces) {
    const direction = scale(box.axes[axis], sign);
    const inPlane = subtract(direction, scale(normal, dot(direction, normal)));
    const grown = clamp(dot(way, inPlane) / Math.max(dot(inPlane, inPlane), 1e-6), least - size[axis], Infinity);
    size[axis] += grown;
    center = add(center, scale(direction, grown / 2));
  }
  return { ...box, center, size };
}

/**
 * A box whose sides lie along the image's grid.
 * @param {import("./grid.js").Grid} grid
 * @param {Vec3} a @param {Vec3} b opposite corners, voxels; their order does not matter
 * @returns {Box}
 */
export function between(grid, a, b) {
  const center = grid.toRas(/** @type {Vec3} */ (a.map((each, n) => (each + b[n]) / 2)));
  const size = /** @type {Vec3} */ (a.map((each, n) => Math.max(Math.abs(each - b[n]), 1) * grid.spacing[n]));
  return { center, axes: /** @type {[Vec3, Vec3, Vec3]} */ (grid.directions.map((each) => [...each])), size };
}

/** @param {Box} box @returns {Vec3[]} its eight corners; corner n has the signs of n's bits */
export function cornersOf(box) {
  return [0, 1, 2, 3, 4, 5, 6, 7].map((n) =>
    box.axes.reduce((at, axis, k) => add(at, scale(axis, ((n >> k) & 1 ? 0.5 : -0.5) * box.size[k])), box.center),
  );
}

/** Pairs of corners between which there is an edge. */
export const EDGES = [0, 1, 2].flatMap((k) =>
  [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => !((n >> k) & 1)).map((n) => [n, n | (1 << k)]),
);

const NEAR = 7; // pixels at which an edge takes the pointer
const CORNER = 9;
const SMALL = 36; // pixels; handles of smaller boxes stand outside
const OUT = 7; // pixels

/**
 * Where the handles of a box stand: at its corners and the middles of its sides, smaller for small
 * boxes and outside of them, so that what is in the box stays to be seen.
 * @param {Outline} shape
 * @returns {{at: [number, number], faces: Face[], radius: number}[]}
 */
export function handles(shape) {
  const n = shape.corners.length;
  const middle = shape.corners.reduce((sum, [x, y]) => [sum[0] + x / n, sum[1] + y / n], [0, 0]);
  const shortest = Math.min(...shape.corners.map((a, k) => distance(a, shape.corners[(k + 1) % n])));
  const radius = clamp(shortest / 12, 2.5, 4.5);
  const out = shortest < SMALL ? OUT : 0;
  const away = (/** @type {[number, number]} */ at) => {
    const far = distance(at, middle) || 1;
    return /** @type {[number, number]} */ ([
      at[0] + ((at[0] - middle[0]) / far) * out,
      at[1] + ((at[1] - middle[1]) / far) * out,
    ]);
  };
  return shape.corners.flatMap((corner, k) => {
    const next = shape.corners[(k + 1) % n];
    const before = shape.faces[(k + n - 1) % n];
    const found = [{ at: away(corner), faces: [before, shape.faces[k]], radius }];
    if (distance(corner, next) > 4 * radius || out)
      found.push({ at: away([(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2]), faces: [shape.faces[k]], radius });
    return found;
  });
}

/**
 * Which faces the pointer would take hold of.
 * @param {Outline} shape
 * @param {number} x @param {number} y
 * @returns {Face[] | null}
 */
export function hit(shape, x, y) {
  for (const { at, faces } of handles(shape)) {
    if (distance(at, [x, y]) < CORNER) return faces;
  }
  const n = shape.corners.length;
  for (let k = 0; k < n; k += 1) {
    if (fromSegment([x, y], shape.corners[k], shape.corners[(k + 1) % n]) < NEAR) return [shape.faces[k]];
  }
  return null;
}

/** @param {number[]} a @param {number[]} b */
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** @param {number[]} p @param {number[]} a @param {number[]} b */
export function fromSegment(p, a, b) {
  const [x, y] = [b[0] - a[0], b[1] - a[1]];
  const part = clamp(((p[0] - a[0]) * x + (p[1] - a[1]) * y) / (x * x + y * y || 1), 0, 1);
  return distance(p, [a[0] + part * x, a[1] + part * y]);
}
