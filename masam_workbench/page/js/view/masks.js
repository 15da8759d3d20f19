import { outlines } from "./contours.js";

/** @typedef {import("../types").ViewName} ViewName */
/** @typedef {import("../types").Lesion} Lesion */

/**
 * One mask, cropped to its extent.
 *
 * @typedef {{version: string, extent: number[], voxels: Uint8Array, paths: Map<string, Path2D>}} Mask
 */

/**
 * The masks of all lesions: fetched when their version changes, and outlined slice by slice when a
 * slice is shown.
 */
export class Masks {
  /** @param {() => void} onChange called when a mask has come */
  constructor(onChange) {
    this._onChange = onChange;
    /** @type {Map<string, Mask>} */
    this._masks = new Map();
    /** @type {Map<string, string>} */
    this._wanted = new Map();
  }

  /**
   * Fetch what is new, and forget what has gone. A mask that is being replaced stays until the new
   * one has come.
   * @param {{id: string, mask: Lesion["mask"]}[]} lesions
   */
  take(lesions) {
    for (const id of [...this._masks.keys(), ...this._wanted.keys()]) {
      if (lesions.some((each) => each.id === id && each.mask)) continue;
      this._masks.delete(id);
      this._wanted.delete(id); // undo may bring the same version back
    }
    for (const { id, mask } of lesions) {
      if (mask && this._wanted.get(id) !== mask.version) {
        this._wanted.set(id, mask.version);
        this._fetch(id, mask.version);
      }
    }
    this._onChange();
  }

  /** @param {string} id @param {string} version @param {boolean} [again] */
  async _fetch(id, version, again = true) {
    try {
      const answer = await fetch(`mask/${encodeURIComponent(id)}/${encodeURIComponent(version)}`);
      if (!answer.ok) throw new Error(answer.statusText);
      const extent = (answer.headers.get("X-Masam-Extent") ?? "").split(",").map(Number);
      const voxels = new Uint8Array(await answer.arrayBuffer());
      if (this._wanted.get(id) !== version) return;
      this._masks.set(id, { version, extent, voxels, paths: new Map() });
      this._onChange();
    } catch {
      if (again) setTimeout(() => this._wanted.get(id) === version && this._fetch(id, version, false), 1000);
      else if (this._wanted.get(id) === version) this._wanted.delete(id); // asked for again with the next state
    }
  }

  /** @param {string} id @returns {Mask | undefined} */
  get(id) {
    return this._masks.get(id);
  }

  /**
   * Whether a voxel belongs to a lesion's mask.
   * @param {string} id
   * @param {import("../types").Vec3} native its place in the file's array
   */
  has(id, native) {
    const mask = this._masks.get(id);
    if (!mask) return false;
    const [i0, j0, k0, ni, nj, nk] = mask.extent;
    const [i, j, k] = [native[0] - i0, native[1] - j0, native[2] - k0];
    if (i < 0 || j < 0 || k < 0 || i >= ni || j >= nj || k >= nk) return false;
    return mask.voxels[i + ni * (j + nj * k)] > 0;
  }

  /**
   * Outlines of a mask in a slice, in voxels (o[u], o[v]) of the view; null where it has none.
   * @param {string} id
   * @param {import("./camera.js").Camera} camera
   * @param {number} slice
   * @returns {Path2D | null}
   */
  path(id, camera, slice) {
    const mask = this._masks.get(id);
    if (!mask?.voxels.length) return null;
    const { grid, plane } = camera;
    const low = grid.native.map((axis, n) =>
      grid.flipped[n] ? grid.size[n] - mask.extent[axis] - mask.extent[axis + 3] : mask.extent[axis],
    );
    const count = grid.native.map((axis) => mask.extent[axis + 3]);
    if (slice < low[plane.w] || slice >= low[plane.w] + count[plane.w]) return null;
    const name = `${camera.name} ${slice}`;
    const known = mask.paths.get(name);
    if (known) return known;
    const crop = [1, mask.extent[3], mask.extent[3] * mask.extent[4]];
    let start = 0;
    const steps = grid.native.map((axis, n) => {
      if (grid.flipped[n]) start += crop[axis] * (count[n] - 1);
      return grid.flipped[n] ? -crop[axis] : crop[axis];
    });
    start += steps[plane.w] * (slice - low[plane.w]);
    const inside = (/** @type {number} */ u, /** @type {number} */ v) =>
      mask.voxels[start + u * steps[plane.u] + v * steps[plane.v]] > 0;
    const path = new Path2D();
    for (const line of outlines(inside, count[plane.u], count[plane.v])) {
      line.forEach(([u, v], n) =>
        n ? path.lineTo(u + low[plane.u], v + low[plane.v]) : path.moveTo(u + low[plane.u], v + low[plane.v]),
      );
      path.closePath();
    }
    if (mask.paths.size > 400) mask.paths.clear();
    mask.paths.set(name, path);
    return path;
  }
}
