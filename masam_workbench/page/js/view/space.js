import { Niivue, NVMesh } from "../../niivue/index.js";
import { add, length, scale, subtract } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("./camera.js").Area} Area */

const LOOK = { azimuth: 200, elevation: 15 };
const FILLS = 0.62; // of the view, by what is looked at
const LEAST = 20; // mm that are looked at

/**
 * The 3D view: surfaces of masks, drawn by NiiVue in a canvas of its own. A volume rendering is left
 * out: without a GPU NiiVue draws three of those in ten seconds.
 */
export class Space extends Niivue {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super({
      backColor: [0.04, 0.047, 0.058, 1],
      crosshairWidth: 0,
      dragAndDropEnabled: false,
      forceDevicePixelRatio: -1,
      interactive: false,
      isColorbar: false,
      isResizeCanvas: false,
      loadingText: "",
      logLevel: "warn",
      show3Dcrosshair: false,
      showLegend: false,
      sliceType: 4,
    });
    this._canvas = canvas;
    /** @type {Area | null} */
    this.area = null;
    this._ratio = 1;
    /** @type {Vec3} */
    this._middle = [0, 0, 0];
    this._far = 100;
    /** @type {Map<string, {key: string, mesh: import("../../niivue/index.js").NVMesh | null}>} */
    this._surfaces = new Map();
    this._due = 0;
    /** Called after each drawing. */
    this.onDraw = () => {};
  }

  /** Make ready to draw. */
  async start() {
    await this.attachToCanvas(this._canvas, true);
    this.reset();
  }

  /** Look from the front again. */
  reset() {
    this.scene.renderAzimuth = LOOK.azimuth;
    this.scene.renderElevation = LOOK.elevation;
    this.scene.volScaleMultiplier = 1;
    this.soon();
  }

  /**
   * Look at the whole image.
   * @param {import("./grid.js").Grid} grid
   */
  frame(grid) {
    const middle = grid.toRas(/** @type {Vec3} */ (grid.size.map((n) => (n - 1) / 2)));
    this.lookAt(middle, Math.max(...grid.size.map((n, axis) => n * grid.spacing[axis])));
  }

  /** @param {Vec3} middle RAS, mm @param {number} extent mm */
  lookAt(middle, extent) {
    this._middle = middle;
    this._far = Math.max(extent, LEAST) / 2 / FILLS;
    this.soon();
  }

  /** @param {Area | undefined} area where the view lies; none where it is not seen @param {number} ratio */
  place(area, ratio) {
    this.area = area ?? null;
    this._ratio = ratio;
    this._canvas.hidden = !area;
    if (!area) return;
    Object.assign(this._canvas.style, {
      left: `${area.left}px`,
      top: `${area.top}px`,
      width: `${area.width}px`,
      height: `${area.height}px`,
    });
    const [w, h] = [Math.round(area.width * ratio), Math.round(area.height * ratio)];
    if (this._canvas.width !== w || this._canvas.height !== h) {
      this._canvas.width = w;
      this._canvas.height = h;
    }
    this.soon();
  }

  /** @param {number} right @param {number} down pixels of a drag */
  turn(right, down) {
    this.scene.renderAzimuth = (this.scene.renderAzimuth - right * 0.5 + 360) % 360;
    this.scene.renderElevation = Math.min(Math.max(this.scene.renderElevation + down * 0.5, -90), 90);
    this.soon();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.scene.volScaleMultiplier = Math.min(Math.max(this.scene.volScaleMultiplier * factor, 0.2), 10);
    this.soon();
  }

  /**
   * Show these surfaces and no others.
   * @param {{id: string, version: string, color: string, url: string}[]} wanted
   */
  surfaces(wanted) {
    for (const [id, old] of this._surfaces) {
      if (wanted.some((each) => each.id === id)) continue;
      if (old.mesh) this.removeMesh(old.mesh);
      this._surfaces.delete(id);
    }
    for (const each of wanted) this._surface(each);
    this.soon();
  }

  /** @param {{id: string, version: string, color: string, url: string}} wanted */
  async _surface({ id, version, color, url }) {
    const key = `${version} ${color}`;
    const old = this._surfaces.get(id);
    if (old?.key === key) return;
    const entry = { key, mesh: old?.mesh ?? null };
    this._surfaces.set(id, entry);
    const gone = () => this._surfaces.get(id) !== entry;
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(answer.statusText);
      const content = await answer.arrayBuffer();
      if (gone()) return;
      const [red, green, blue] = rgb(color);
      const mesh = content.byteLength
        ? await NVMesh.readMesh(content, "surface.mz3", this.gl, 1, new Uint8Array([red, green, blue, 255]))
        : null;
      if (gone()) return;
      if (entry.mesh) this.removeMesh(entry.mesh);
      entry.mesh = mesh;
      if (mesh) this.addMesh(mesh);
    } catch {
      // The surface that was there is no longer the mask's; this one is asked for again with the next state.
      if (gone()) return;
      if (entry.mesh) this.removeMesh(entry.mesh);
      this._surfaces.delete(id);
    }
    this.soon();
  }

  /** The middle stays where it is, whatever comes and goes. */
  setPivot3D() {
    this.pivot3D = [...this._middle];
    this.furthestFromPivot = this._far / 0.8;
    this.extentsMin = this._middle.map((each) => each - this._far);
    this.extentsMax = this._middle.map((each) => each + this._far);
  }

  /**
   * Where a position lies on the screen.
   * @param {Vec3} ras
   * @returns {[number, number, number] | null} pixels of the stage, and the depth: larger is nearer
   */
  toScreen(ras) {
    const area = this.area;
    if (!area) return null;
    this.setPivot3D();
    const [m] = this.calculateMvpMatrix(
      null,
      [0, 0, area.width, area.height],
      this.scene.renderAzimuth,
      this.scene.renderElevation,
    );
    const at = (/** @type {number} */ row) => m[row] * ras[0] + m[4 + row] * ras[1] + m[8 + row] * ras[2] + m[12 + row];
    return [area.left + ((at(0) + 1) / 2) * area.width, area.top + ((1 - at(1)) / 2) * area.height, at(2)];
  }

  /** Draw once, when the browser draws next. */
  soon() {
    if (this._due || !this._canvas.width) return;
    this._due = requestAnimationFrame(() => {
      this._due = 0;
      if (!this.area) return;
      this.draw();
      this.onDraw();
    });
  }

  /** Draw at once. */
  draw() {
    super.drawScene();
  }

  /** NiiVue would draw after each of its own steps: one picture shows them all. */
  drawScene() {
    this.soon();
  }
}

/** @param {string} color #rrggbb @returns {[number, number, number]} 0 to 255 */
export function rgb(color) {
  const number = parseInt(color.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** @param {Vec3[]} points @returns {{middle: Vec3, extent: number}} */
export function bounds(points) {
  const low = points.reduce((a, b) => /** @type {Vec3} */ (a.map((each, n) => Math.min(each, b[n]))));
  const high = points.reduce((a, b) => /** @type {Vec3} */ (a.map((each, n) => Math.max(each, b[n]))));
  return { middle: scale(add(low, high), 0.5), extent: length(subtract(high, low)) };
}
