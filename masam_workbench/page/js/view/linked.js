import { clamp } from "./vectors.js";

/** @typedef {import("./viewer.js").Viewer} Viewer */
/** @typedef {import("./matching.js").Matching} Matching */

const LEAST = 0.2;
const MOST = 40; // zoom

/**
 * Two viewers that look at the same place: crosshair, slice, zoom and shift of one are those of the
 * other, through the registration. Windows stay each viewer's own.
 */
export class Linked {
  /** @param {Viewer} later @param {Viewer} earlier */
  constructor(later, earlier) {
    this.later = later;
    this.earlier = earlier;
    this.on = true;
    /** @type {Matching | null} */
    this.matching = null;
    /** Whether the place that is looked at lies outside of the other study. */
    this.outside = false;
    /** @type {() => void} */
    this.onChange = () => {};
    /** @type {Map<Viewer, string>} */
    this._seen = new Map();
    later.onChange(() => this._moved(later, earlier));
    earlier.onChange(() => this._moved(earlier, later));
  }

  /** Whether one follows the other now. */
  get works() {
    return this.on && this.matching !== null && this.later.layout === "two";
  }

  /** Bring the earlier study to where the later one is. */
  again() {
    this._seen.clear();
    this._moved(this.later, this.earlier);
  }

  /** @param {Viewer} from @param {Viewer} to */
  _moved(from, to) {
    if (from.layout !== "two" && from === this.later) return;
    const key = placeOf(from);
    if (!key || key === this._seen.get(from)) return;
    this._seen.set(from, key);
    if (!this.works || !from.grid || !to.grid || !from.cameras || !to.cameras || !this.matching) return;
    const ras = from.grid.toRas(from.cross);
    const there = from === this.later ? this.matching.toEarlier(ras) : this.matching.toLater(ras);
    const o = to.grid.fromRas(there);
    this.outside = !to.grid.contains(o);
    to.setCross(o);
    const plane = planeOf(from);
    const [a, b] = [from.cameras[plane], to.cameras[plane]];
    b.zoom = clamp((b.zoom * a.scale) / b.scale, LEAST, MOST);
    const [x, y] = fromMiddle(a, from.cross);
    const [now, down] = fromMiddle(b, to.cross);
    b.pan(x - now, y - down);
    to.change();
    this._seen.set(to, placeOf(to));
    this.onChange();
  }
}

/** The view of slices that is seen. @param {Viewer} viewer @returns {import("../types").ViewName} */
export function planeOf(viewer) {
  return viewer.large === "space" ? "axial" : viewer.large;
}

/** @param {Viewer} viewer @returns {string} where it looks; empty where there is nothing to see */
function placeOf(viewer) {
  const camera = viewer.cameras?.[planeOf(viewer)];
  return camera && viewer.grid ? JSON.stringify([viewer.version, viewer.cross, camera.name, camera.middle, camera.scale]) : "";
}

/** Pixels from a view's middle. @param {import("./camera.js").Camera} camera @param {import("../types").Vec3} o */
function fromMiddle(camera, o) {
  const [x, y] = camera.toScreen(o);
  const { left, top, width, height } = camera.area;
  return [x - left - width / 2, y - top - height / 2];
}
