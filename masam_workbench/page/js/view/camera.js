import { PLANES } from "./grid.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").ViewName} ViewName */
/** @typedef {{left: number, top: number, width: number, height: number}} Area */

const MARGIN = 0.98; // of a view that the whole image fills
const MOST = 40; // zoom

/**
 * Which part of a slice a view shows, and where on the screen it lies. Right of the patient is left
 * on the screen, and anterior is left in sagittal views.
 */
export class Camera {
  /**
   * @param {ViewName} name
   * @param {import("./grid.js").Grid} grid
   */
  constructor(name, grid) {
    this.name = name;
    this.grid = grid;
    this.plane = PLANES[name];
    /** @type {Area} */
    this.area = { left: 0, top: 0, width: 1, height: 1 };
    this.zoom = 1;
    /** Of the screen's middle, in mm from the first voxel's centre, across and up. */
    this.middle = [0, 0];
    this.fit();
  }

  /** Show the whole slice. */
  fit() {
    const { u, v } = this.plane;
    this.zoom = 1;
    this.middle = [((this.grid.size[u] - 1) / 2) * this.grid.spacing[u], ((this.grid.size[v] - 1) / 2) * this.grid.spacing[v]];
  }

  /** Pixels of the page for a millimetre. */
  get scale() {
    const { u, v } = this.plane;
    const across = this.grid.size[u] * this.grid.spacing[u];
    const up = this.grid.size[v] * this.grid.spacing[v];
    return MARGIN * this.zoom * Math.min(this.area.width / across, this.area.height / up);
  }

  /**
   * @param {Vec3} o
   * @returns {[number, number]} in pixels of the stage
   */
  toScreen(o) {
    const { u, v } = this.plane;
    const { left, top, width, height } = this.area;
    const scale = this.scale;
    return [
      left + width / 2 - (o[u] * this.grid.spacing[u] - this.middle[0]) * scale,
      top + height / 2 - (o[v] * this.grid.spacing[v] - this.middle[1]) * scale,
    ];
  }

  /**
   * @param {number} x @param {number} y in pixels of the stage
   * @param {number} slice
   * @returns {Vec3}
   */
  fromScreen(x, y, slice) {
    const { u, v, w } = this.plane;
    const { left, top, width, height } = this.area;
    const scale = this.scale;
    /** @type {Vec3} */
    const o = [0, 0, 0];
    o[u] = (this.middle[0] - (x - left - width / 2) / scale) / this.grid.spacing[u];
    o[v] = (this.middle[1] - (y - top - height / 2) / scale) / this.grid.spacing[v];
    o[w] = slice;
    return o;
  }

  /** From positions (o[u], o[v]) to pixels of the stage. @returns {DOMMatrix} */
  matrix() {
    const { u, v } = this.plane;
    const scale = this.scale;
    const { left, top, width, height } = this.area;
    return new DOMMatrix([
      -this.grid.spacing[u] * scale,
      0,
      0,
      -this.grid.spacing[v] * scale,
      left + width / 2 + this.middle[0] * scale,
      top + height / 2 + this.middle[1] * scale,
    ]);
  }

  /** @param {number} right @param {number} down in pixels */
  pan(right, down) {
    const scale = this.scale;
    this.middle = [this.middle[0] + right / scale, this.middle[1] + down / scale];
  }

  /**
   * Zoom so that what is under the pointer stays there.
   * @param {number} factor
   * @param {number} x @param {number} y in pixels of the stage
   */
  zoomAt(factor, x, y) {
    const before = this.fromScreen(x, y, 0);
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.2), MOST);
    const [newX, newY] = this.toScreen(before);
    this.pan(x - newX, y - newY);
  }

  /**
   * Bring a position into the view where it is outside of it.
   * @param {Vec3} o
   */
  reveal(o) {
    const [x, y] = this.toScreen(o);
    const { left, top, width, height } = this.area;
    if (x > left && x < left + width && y > top && y < top + height) return;
    this.pan(left + width / 2 - x, top + height / 2 - y);
  }

  /** What the view shows in mm from the image's edge, for NiiVue. */
  extent() {
    const { u, v } = this.plane;
    const half = [this.area.width / this.scale / 2, this.area.height / this.scale / 2];
    const edge = [this.grid.spacing[u] / 2, this.grid.spacing[v] / 2];
    return [0, 1].map((n) => [this.middle[n] + edge[n] - half[n], this.middle[n] + edge[n] + half[n]]);
  }
}
