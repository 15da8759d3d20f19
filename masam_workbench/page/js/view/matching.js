import { add, apply, inverse, scale, subtract } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").Around} Around */

const FADE = 10; // mm from a lattice's edge, over which its say grows
const STEPS = 60;
const NEAR = 0.01; // mm

/**
 * Which place of one study is which place of the other: rigid as a whole, and around each lesion as
 * the registration there says. Positions are RAS, mm.
 */
export class Matching {
  /** @param {number[][]} matrix 4 x 4 rows, from the later study to the earlier one @param {Around[]} around */
  constructor(matrix, around) {
    this._turn = matrix.slice(0, 3).map((row) => row.slice(0, 3));
    this._shift = /** @type {Vec3} */ (matrix.slice(0, 3).map((row) => row[3]));
    this._back = inverse(this._turn);
    this._around = around;
  }

  /** @param {Vec3} later @returns {Vec3} */
  toEarlier(later) {
    const place = add(apply(this._turn, later), this._shift);
    let all = 0;
    /** @type {Vec3} */
    let off = [0, 0, 0];
    for (const each of this._around) {
      const say = weight(each, later);
      if (!say) continue;
      all += say;
      off = add(off, scale(offset(each, later), say));
    }
    return all ? add(place, scale(off, 1 / Math.max(all, 1))) : place;
  }

  /** @param {Vec3} earlier @returns {Vec3} by iteration */
  toLater(earlier) {
    let found = apply(this._back, subtract(earlier, this._shift));
    for (let n = 0; n < STEPS; n += 1) {
      const missed = subtract(earlier, this.toEarlier(found));
      if (Math.max(...missed.map(Math.abs)) < NEAR) break;
      found = add(found, apply(this._back, missed));
    }
    return found;
  }
}

/** Where a position lies on a lattice, in nodes. @param {Around} around @param {Vec3} ras */
function onLattice({ origin, step }, ras) {
  return ras.map((each, n) => (each - origin[n]) / step[n]);
}

/** How much a lattice has to say at a position: 0 outside, 1 deep inside. @param {Around} around @param {Vec3} ras */
function weight(around, ras) {
  const inside = onLattice(around, ras).map((t, n) => Math.min(t, around.size[n] - 1 - t) * Math.abs(around.step[n]));
  return Math.min(Math.max(Math.min(...inside) / FADE, 0), 1);
}

/** Between the eight nodes around a position. @param {Around} around @param {Vec3} ras @returns {Vec3} */
function offset(around, ras) {
  const { size, off } = around;
  const at = onLattice(around, ras);
  const low = at.map((t, n) => Math.min(Math.max(Math.floor(t), 0), size[n] - 2));
  const part = at.map((t, n) => t - low[n]);
  /** @type {Vec3} */
  const found = [0, 0, 0];
  for (let corner = 0; corner < 8; corner += 1) {
    const bit = [corner & 1, (corner >> 1) & 1, corner >> 2];
    const share = bit.reduce((product, up, n) => product * (up ? part[n] : 1 - part[n]), 1);
    const [x, y, z] = low.map((first, n) => first + bit[n]);
    const place = 3 * (x + size[0] * (y + size[1] * z));
    for (let axis = 0; axis < 3; axis += 1) found[axis] += share * off[place + axis];
  }
  return found;
}
