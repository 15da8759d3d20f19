import { clamp } from "./vectors.js";

/**
 * Maximum intensity projections of some slices round the one that is shown, for nodules of the lung,
 * and single slices while the window is being dragged. NiiVue has no such projections, and makes
 * its whole texture anew for another window; these are computed here, and drawn over its picture.
 */
export class Slabs {
  constructor() {
    /** @type {Map<string, {key: string, canvas: HTMLCanvasElement}>} */
    this._known = new Map();
  }

  /**
   * @param {import("./viewer.js").Viewer} viewer
   * @param {import("./camera.js").Camera} camera
   * @returns {HTMLCanvasElement} a pixel a voxel, rows and columns ascending along the view's axes
   */
  picture(viewer, camera) {
    const slice = viewer.slice(camera.name);
    const key = [slice, viewer.slab, viewer.window, viewer.level, viewer.version].join(" ");
    const known = this._known.get(camera.name);
    if (known?.key === key) return known.canvas;
    const { grid, plane } = camera;
    const values = project(/** @type {any} */ (viewer.image), grid, plane, slice, viewer.slab);
    const canvas = known?.canvas ?? document.createElement("canvas");
    canvas.width = grid.size[plane.u];
    canvas.height = grid.size[plane.v];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const pixels = context.createImageData(canvas.width, canvas.height);
    const words = new Uint32Array(pixels.data.buffer);
    const low = viewer.level - viewer.window / 2;
    for (let n = 0; n < values.length; n += 1) {
      const grey = Math.round(clamp(((values[n] - low) / viewer.window) * 255, 0, 255));
      words[n] = (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
    }
    context.putImageData(pixels, 0, 0);
    this._known.set(camera.name, { key, canvas });
    return canvas;
  }
}

/**
 * The largest value along each line through a slab.
 * @param {import("../../niivue/index.js").NVImage} image
 * @param {import("./grid.js").Grid} grid
 * @param {{u: number, v: number, w: number}} plane
 * @param {number} slice in the slab's middle
 * @param {number} mm thickness
 * @returns {Float32Array} row by row
 */
export function project(image, grid, plane, slice, mm) {
  const half = mm / 2 / grid.spacing[plane.w]; // 0 mm are one slice
  const first = Math.max(Math.ceil(slice - half), 0);
  const last = Math.min(Math.floor(slice + half), grid.size[plane.w] - 1);
  const { start, steps } = grid.strides();
  const [across, up] = [grid.size[plane.u], grid.size[plane.v]];
  const found = new Float32Array(across * up).fill(-Infinity);
  for (let w = first; w <= last; w += 1) {
    for (let v = 0; v < up; v += 1) {
      let place = start + w * steps[plane.w] + v * steps[plane.v];
      for (let n = v * across, end = n + across; n < end; n += 1, place += steps[plane.u]) {
        if (image.img[place] > found[n]) found[n] = image.img[place];
      }
    }
  }
  const slope = image.hdr.scl_slope || 1;
  const shift = image.hdr.scl_slope ? image.hdr.scl_inter : 0;
  for (let n = 0; n < found.length; n += 1) found[n] = found[n] * slope + shift;
  return found;
}
