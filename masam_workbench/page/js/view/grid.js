import { add, apply, inverse, length, scale, subtract } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").ViewName} ViewName */

/** @type {ViewName[]} */
export const VIEWS = ["axial", "coronal", "sagittal"];

/**
 * Which axes of the grid lie across, up and through a view.
 * @type {Record<ViewName, {u: number, v: number, w: number}>}
 */
export const PLANES = { axial: { u: 0, v: 1, w: 2 }, coronal: { u: 0, v: 2, w: 1 }, sagittal: { u: 1, v: 2, w: 0 } };

const ENDS = [
  ["R", "L"],
  ["A", "P"],
  ["S", "I"],
]; // of the ascending and descending direction
const SECOND = 0.2; // a second letter is due from about 12 degrees on
const OBLIQUE = 0.02; // about a degree

/**
 * The image's grid, its axes sorted and turned so that they ascend to the right, anterior and
 * superior as nearly as they can. Positions on it ("o") are voxels, whole at voxels' centres.
 */
export class Grid {
  /**
   * @param {number[][]} affine rows; from the file's voxels to RAS, mm
   * @param {number[]} size of the file's array, along i, j, k
   * @param {number[]} order for each of the three axes 1, 2 or 3, which of i, j, k it is; negative
   *   where it runs the other way
   */
  constructor(affine, size, order) {
    this.native = order.map((axis) => Math.abs(axis) - 1);
    this.flipped = order.map((axis) => axis < 0);
    this.nativeSize = size;
    /** @type {Vec3} */
    this.size = /** @type {Vec3} */ (this.native.map((axis) => size[axis]));
    const column = (/** @type {number} */ axis) => /** @type {Vec3} */ ([affine[0][axis], affine[1][axis], affine[2][axis]]);
    const columns = this.native.map((axis, n) => scale(column(axis), this.flipped[n] ? -1 : 1));
    /** @type {Vec3} */
    this.spacing = /** @type {Vec3} */ (columns.map(length));
    /** Unit vectors in RAS. */
    this.directions = columns.map((each, n) => scale(each, 1 / this.spacing[n]));
    this._forth = [0, 1, 2].map((row) => columns.map((each) => each[row]));
    this._back = inverse(this._forth);
    /** @type {Vec3} */
    let origin = [affine[0][3], affine[1][3], affine[2][3]];
    this.native.forEach((axis, n) => {
      if (this.flipped[n]) origin = add(origin, scale(column(axis), size[axis] - 1));
    });
    this.origin = origin;
  }

  /** Whether the axes are turned against the body's. */
  get oblique() {
    return this.directions.some((each) => Math.max(...each.map(Math.abs)) < 1 - (OBLIQUE * OBLIQUE) / 2);
  }

  /** @param {Vec3} o @returns {Vec3} RAS, mm */
  toRas(o) {
    return add(apply(this._forth, o), this.origin);
  }

  /** @param {Vec3} ras @returns {Vec3} */
  fromRas(ras) {
    return apply(this._back, subtract(ras, this.origin));
  }

  /** @param {Vec3} o a voxel @returns {Vec3} its place in the file's array */
  toNative(o) {
    /** @type {Vec3} */
    const found = [0, 0, 0];
    this.native.forEach((axis, n) => {
      found[axis] = this.flipped[n] ? this.size[n] - 1 - o[n] : o[n];
    });
    return found;
  }

  /**
   * Steps through the file's array: where a line, plane or slice begins and how far its voxels lie
   * apart.
   * @returns {{start: number, steps: Vec3}}
   */
  strides() {
    const [ni, nj] = this.nativeSize;
    const natives = [1, ni, ni * nj];
    let start = 0;
    const steps = /** @type {Vec3} */ (
      this.native.map((axis, n) => {
        if (this.flipped[n]) start += natives[axis] * (this.size[n] - 1);
        return this.flipped[n] ? -natives[axis] : natives[axis];
      })
    );
    return { start, steps };
  }

  /** @param {Vec3} o @returns {boolean} whether a position is in the image */
  contains(o) {
    return o.every((each, n) => each >= -0.5 && each <= this.size[n] - 0.5);
  }

  /**
   * Letters of where a direction leads, two where it is turned.
   * @param {number} axis
   * @param {boolean} ascending
   */
  letters(axis, ascending) {
    const direction = scale(this.directions[axis], ascending ? 1 : -1);
    const order = [0, 1, 2].sort((a, b) => Math.abs(direction[b]) - Math.abs(direction[a]));
    return order
      .filter((each, rank) => rank === 0 || (rank === 1 && Math.abs(direction[each]) > SECOND))
      .map((each) => ENDS[each][direction[each] > 0 ? 0 : 1])
      .join("");
  }
}

/**
 * A position in words, as radiologists write it: R 70.3.
 * @param {number} axis 0, 1, 2
 * @param {number} mm
 */
export function side(axis, mm) {
  return `${ENDS[axis][mm >= 0 ? 0 : 1]} ${Math.abs(mm).toFixed(1)}`;
}
