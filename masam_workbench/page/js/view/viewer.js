import { Camera } from "./camera.js";
import { Grid, VIEWS } from "./grid.js";
import { place } from "./layout.js";
import { NoSpace } from "./nospace.js";
import { SlicePlane } from "./sliceplane.js";
import { Slices } from "./slices.js";
import { Space } from "./space.js";
import { clamp } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../types").ViewName} ViewName */
/** @typedef {import("../types").TileName} TileName */
/** @typedef {import("./camera.js").Area} Area */

/**
 * The views: image, crosshair, window, layout. Everything here is the page's own; no step of the
 * wheel asks the tab for anything.
 */
export class Viewer {
  /**
   * @param {HTMLElement} stage
   * @param {HTMLCanvasElement} flat for the slices
   * @param {HTMLCanvasElement | null} deep for the 3D view; null has none
   */
  constructor(stage, flat, deep) {
    this.stage = stage;
    this._flat = flat;
    this.slices = new Slices();
    this.space = deep ? new Space(deep) : /** @type {Space} */ (/** @type {any} */ (new NoSpace()));
    this._deep = deep !== null;
    this._ready = false; // whether there is a surface to draw on
    this._plane = /** @type {SlicePlane | null} */ (null);
    /** @type {Grid | null} */
    this.grid = null;
    /** @type {import("../../niivue/index.js").NVImage | null} */
    this.image = null;
    /** @type {Record<ViewName, Camera> | null} */
    this.cameras = null;
    /** @type {Vec3} */
    this.cross = [0, 0, 0];
    this.window = 1;
    this.level = 0;
    this.layout = "four";
    this.paired = false; // whether there is another study to be seen beside this one
    /** @type {TileName} That of the keyboard. */
    this.active = "axial";
    /** @type {TileName} The one that is large, where one is. */
    this.large = "axial";
    /** @type {Map<TileName, Area>} */
    this.areas = new Map();
    this.version = 0; // counts the images that were shown
    this.settled = true; // whether NiiVue's picture has the window that is shown
    this.slab = 0; // mm; 0 shows single slices
    this.smooth = true;
    /** Layout and large view before one was shown alone. @type {[string, TileName]} */
    this._back = ["four", "axial"];
    /** @type {(() => void)[]} */
    this._listeners = [];
    this._due = 0;
    this._flatDue = true;
    /** What draws over the views. @type {() => void} */
    this.paint = () => {};
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  /** Make ready to draw. */
  async start() {
    await this.slices.attachToCanvas(this._flat, false);
    this._ready = true;
    await this.space.start();
    if (this._deep) this._plane = new SlicePlane(this);
    this.resize();
  }

  /** @param {() => void} then called after each change of what is shown */
  onChange(then) {
    this._listeners.push(then);
  }

  /**
   * Show an image.
   * @param {ArrayBuffer} file NIfTI
   * @param {{window: number, level: number}} grey in the image's values
   * @param {boolean} stay whether it is another moment of the same: crosshair and zoom stay
   * @param {() => boolean} wanted whether it is still the one to show, once it has been read
   * @returns {Promise<boolean>} whether it is shown
   */
  async show(file, { window, level }, stay, wanted) {
    const image = await this.slices.take(file, level - window / 2, level + window / 2, wanted);
    if (!image) return false;
    const size = image.hdr.dims.slice(1, 4);
    const grid = new Grid(image.hdr.affine, size, image.permRAS);
    const same =
      stay && this.grid && JSON.stringify([this.grid.size, this.grid.origin]) === JSON.stringify([grid.size, grid.origin]);
    this.image = image;
    this.grid = grid;
    this.version += 1;
    if (!same) {
      this.cameras = /** @type {Record<ViewName, Camera>} */ (
        Object.fromEntries(VIEWS.map((name) => [name, new Camera(name, grid)]))
      );
      this.slices.cameras = this.cameras;
      this.cross = /** @type {Vec3} */ (grid.size.map((n) => Math.floor(n / 2)));
      this.space.frame(grid);
    }
    this.setWindow(window, level);
    this.resize();
    return true;
  }

  /** Show no image. */
  clear() {
    for (const old of [...this.slices.volumes]) this.slices.removeVolume(old);
    this.image = this.grid = this.cameras = null;
    this.resize();
  }

  /**
   * @param {number} window @param {number} level in the image's values
   * @param {boolean} [settled] false while it is being dragged: NiiVue prepares the whole volume
   *   anew for another window, and until then the slices are drawn without it
   */
  setWindow(window, level, settled = true) {
    this.window = Math.max(window, 1e-6);
    this.level = level;
    this.settled = settled;
    if (settled) this.slices.grey(this.level - this.window / 2, this.level + this.window / 2);
    this.change();
  }

  /**
   * Move the crosshair, and with it the slices.
   * @param {Vec3} o
   */
  setCross(o) {
    const grid = this.grid;
    if (!grid) return;
    this.cross = /** @type {Vec3} */ (o.map((each, n) => clamp(each, 0, grid.size[n] - 1)));
    this.change();
  }

  /** @param {Vec3} ras */
  goTo(ras) {
    if (!this.grid || !this.cameras) return;
    this.setCross(this.grid.fromRas(ras));
    for (const name of VIEWS) this.cameras[name].reveal(this.cross);
    this.change();
  }

  /** @param {ViewName} name @returns {number} which slice a view shows, from 0 */
  slice(name) {
    return this.cameras ? Math.round(this.cross[this.cameras[name].plane.w]) : 0;
  }

  /** @param {ViewName} name @param {number} slice from 0 */
  setSlice(name, slice) {
    if (!this.cameras) return;
    /** @type {Vec3} */
    const cross = [...this.cross];
    cross[this.cameras[name].plane.w] = slice;
    this.setCross(cross);
  }

  /**
   * Value of the voxel at a position; undefined outside of the image.
   * @param {Vec3} o
   */
  value(o) {
    if (!this.grid || !this.image || !this.grid.contains(o)) return undefined;
    const { start, steps } = this.grid.strides();
    const place = start + Math.round(o[0]) * steps[0] + Math.round(o[1]) * steps[1] + Math.round(o[2]) * steps[2];
    const { scl_slope: slope, scl_inter: shift } = this.image.hdr;
    return this.image.img[place] * (slope || 1) + (slope ? shift : 0);
  }

  /** @param {string} layout */
  setLayout(layout) {
    if (layout !== this.layout) this.large = this.active;
    if (layout === "two" && this.large === "space") this.large = this.active = "axial";
    this.layout = layout;
    this.resize();
  }

  /** There is another study to be seen beside this one, or there is none any more. @param {boolean} paired */
  pair(paired) {
    if (paired === this.paired) return;
    this.paired = paired;
    this._back = ["four", "axial"];
    if (paired) this.setLayout("two");
    else if (this.layout === "two") this.setLayout("four");
  }

  /** Show another plane of both studies. @param {ViewName} name */
  setPlane(name) {
    this.active = this.large = name;
    this.resize();
  }

  /** Show a view alone, or all of them again. @param {TileName} name */
  enlarge(name) {
    this.active = name;
    if (this.layout === "one") {
      [this.layout, this.large] = this._back;
    } else {
      this._back = [this.layout, this.large];
      [this.layout, this.large] = ["one", name];
    }
    this.resize();
  }

  /** @param {TileName} name */
  activate(name) {
    if (this.active === name) return;
    this.active = name;
    this.change();
  }

  /** Show all of every view again. */
  fit() {
    for (const name of VIEWS) this.cameras?.[name].fit();
    this.space.reset();
    this.change();
  }

  /** @returns {ViewName[]} the slice views that are seen */
  get shown() {
    return VIEWS.filter((name) => this.areas.has(name));
  }

  /** Fit canvases and views to the stage. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    this.areas = place(this.layout, this.large, width, height);
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this._flat.width !== w || this._flat.height !== h) {
      this._flat.width = w;
      this._flat.height = h;
    }
    for (const name of this.shown) {
      if (this.cameras) this.cameras[name].area = /** @type {Area} */ (this.areas.get(name));
    }
    this.space.place(this.areas.get("space"), ratio);
    this.change();
  }

  /** Draw everything once, when the browser draws next; `flat` says whether slices changed too. */
  change(flat = true) {
    this._flatDue ||= flat;
    if (this._due) return;
    this._due = requestAnimationFrame(() => {
      this._due = 0;
      this._draw();
    });
  }

  _draw() {
    const grid = this.grid;
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (this._flatDue && this._ready) {
      this._flatDue = false;
      if (grid && this.shown.length) {
        this.slices.scene.crosshairPos = this.cross.map((each, n) => (Math.round(each) + 0.5) / grid.size[n]);
        this.slices.draw(this.shown, width, height);
      }
      this._flat.hidden = !grid || !this.shown.length;
    }
    for (const then of this._listeners) then();
    this.paint();
  }
}
