import { cornersOf, EDGES, handles, outline } from "./boxes.js";
import { Pen } from "./pen.js";
import { Masks } from "./masks.js";
import { paintMarks } from "./marks.js";
import { paintMeasures } from "./measures.js";
import { paintSides, sideMarks } from "./sides.js";
import { Slabs } from "./slab.js";
import { paintWords } from "./words.js";

/** @typedef {import("../types").Lesion} Lesion */
/** @typedef {import("./camera.js").Camera} Camera */

const WHITE = "#ffffff";
const CROSS = "rgba(120, 200, 255, 0.75)";
const GAP = 14; // pixels that the crosshair leaves free in its middle

/**
 * What is drawn over the views: masks, boxes, prompts, rulers, crosshair, words. The voxels' grid is
 * the only frame in which it thinks; the cameras say where that lies on the screen.
 */
export class Overlay {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./viewer.js").Viewer} viewer
   * @param {import("../store.js").Store} store
   * @param {import("./masks.js").Masks} masks
   * @param {import("./look.js").Look} look
   */
  constructor(canvas, viewer, store, masks, look) {
    this.canvas = canvas;
    this.viewer = viewer;
    this.store = store;
    this.masks = masks;
    this.look = look;
    this.slabs = new Slabs();
    /** Masks of what a model has made of the whole volume. */
    this.structures = new Masks(() => viewer.change(false));
    store.watch(["structures"], () => this.structures.take(store.state.structures));
    /** What a tool draws while it is used. @type {((pen: Pen, camera: Camera) => void) | null} */
    this.draft = null;
    /** Drawn round the pointer. @type {((pen: Pen, camera: Camera) => void) | null} */
    this.ring = null;
    /** Boxes and prompts as they are while being dragged. @type {Map<string, any>} */
    this.moved = new Map();
    /** Boxes of an earlier study's lesions that nobody has taken yet. @type {import("../types").Proposal[]} */
    this.proposed = [];
    /** @type {import("./measures.js").Measure[]} */
    this.measures = [];
    /** @type {{name: import("../types").TileName, x: number, y: number} | null} */
    this.pointer = null;
    /** @type {string} id of the box under the pointer */
    this.near = "";
    viewer.paint = () => this.paint();
    viewer.space.onDraw = () => this.paint();
  }

  /** Draw everything anew. */
  paint() {
    const { viewer, canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = viewer.stage;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== h) {
      canvas.width = w;
      canvas.height = h;
    }
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!viewer.cameras) return;
    const pen = new Pen(context);
    for (const [name, area] of viewer.areas) {
      context.save();
      context.beginPath();
      context.rect(area.left, area.top, area.width, area.height);
      context.clip();
      if (name === "space") this._space(pen);
      else this._slice(pen, viewer.cameras[name]);
      context.restore();
    }
    this._frame(context);
  }

  /** @param {Pen} pen @param {Camera} camera */
  _slice(pen, camera) {
    const { viewer, store, look } = this;
    const slice = viewer.slice(camera.name);
    if (viewer.slab || !viewer.settled) {
      const picture = this.slabs.picture(viewer, camera);
      pen.context.save();
      pen.context.fillStyle = "#000";
      pen.context.fillRect(camera.area.left, camera.area.top, camera.area.width, camera.area.height);
      const m = camera.matrix();
      pen.context.transform(m.a, m.b, m.c, m.d, m.e, m.f);
      pen.context.imageSmoothingQuality = "high";
      pen.context.drawImage(picture, -0.5, -0.5);
      pen.context.restore();
    }
    const seen = store.state.lesions.filter((each) => each.visible);
    if (look.masks) {
      for (const each of store.state.structures) if (each.visible) this._mask(pen, camera, slice, each, this.structures);
      for (const lesion of seen) this._mask(pen, camera, slice, lesion);
    }
    if (look.boxes) for (const lesion of seen) this._box(pen, camera, slice, lesion);
    for (const each of this.proposed) this._proposed(pen, camera, slice, each);
    if (look.cross) this._cross(pen, camera);
    paintWords(pen, camera, this);
    const chosen = store.selected;
    if (look.boxes && chosen?.visible && !this.draft && !this.moved.has(chosen.id))
      paintSides(pen, sideMarks(chosen, camera, slice));
    for (const lesion of seen) paintMarks(pen, camera, slice, lesion, this);
    paintMeasures(pen, camera, slice, this.measures);
    this.draft?.(pen, camera);
    this.ring?.(pen, camera);
  }

  /** @param {Pen} pen @param {Camera} camera @param {number} slice @param {{id: string, color: string}} lesion */
  _mask(pen, camera, slice, lesion, masks = this.masks) {
    const path = masks.path(lesion.id, camera, slice);
    if (!path) return;
    const onScreen = new Path2D();
    onScreen.addPath(path, camera.matrix());
    if (this.look.fill > 0) {
      pen.context.globalAlpha = this.look.fill;
      pen.context.fillStyle = lesion.color;
      pen.context.fill(onScreen, "evenodd");
      pen.context.globalAlpha = 1;
    }
    pen.stroke(onScreen, lesion.color, 2);
  }

  /** @param {Lesion} lesion @returns {import("../types").Box | null} as it is now, while it is dragged, too */
  boxOf(lesion) {
    return this.moved.get(lesion.id) ?? lesion.box;
  }

  /** @param {Pen} pen @param {Camera} camera @param {number} slice @param {Lesion} lesion */
  _box(pen, camera, slice, lesion) {
    const box = this.boxOf(lesion);
    const shape = box && outline(box, camera, slice);
    if (!shape) return;
    const selected = lesion.id === this.store.state.selected;
    pen.lines([...shape.corners, shape.corners[0]], selected ? WHITE : lesion.color, 1.2, [5, 4]);
    if (lesion.locked || !(selected || this.near === lesion.id)) return;
    if (this.draft) return;
    for (const { at, radius } of handles(shape)) pen.dot(at, radius, WHITE, "#10151b");
  }

  /** @param {Pen} pen @param {Camera} camera @param {number} slice @param {import("../types").Proposal} proposal */
  _proposed(pen, camera, slice, { box, name, color, trust }) {
    const shape = box && outline(box, camera, slice);
    if (!shape) return;
    pen.lines([...shape.corners, shape.corners[0]], color, 2, [3, 4]);
    const left = Math.min(...shape.corners.map(([x]) => x));
    const top = Math.min(...shape.corners.map(([, y]) => y));
    pen.text(`${name}?${trust === "good" ? "" : " (doubtful)"}`, left, top - 6);
  }

  /** @param {Pen} pen @param {Camera} camera */
  _cross(pen, camera) {
    const [x, y] = camera.toScreen(this.viewer.cross);
    const { left, top, width, height } = camera.area;
    const { context } = pen;
    context.strokeStyle = CROSS;
    context.lineWidth = 1;
    context.beginPath();
    for (const [x0, y0, x1, y1] of [
      [left, y, x - GAP, y],
      [x + GAP, y, left + width, y],
      [x, top, x, y - GAP],
      [x, y + GAP, x, top + height],
    ]) {
      context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
      context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    }
    context.stroke();
  }

  /** @param {Pen} pen */
  _space(pen) {
    const { space } = this.viewer;
    const area = space.area;
    if (!area) return;
    pen.text("3D", area.left + 10, area.top + 22);
    if (!this.look.boxes) return;
    for (const lesion of this.store.state.lesions) {
      const box = this.boxOf(lesion);
      if (!box || !lesion.visible) continue;
      const corners = cornersOf(box).map((each) => space.toScreen(each));
      const deepest = Math.min(...corners.map((each) => each?.[2] ?? 0));
      const farthest = corners.findIndex((each) => each?.[2] === deepest);
      const color = lesion.id === this.store.state.selected ? WHITE : lesion.color;
      for (const [a, b] of EDGES) {
        const [from, to] = [corners[a], corners[b]];
        if (!from || !to) continue;
        pen.context.globalAlpha = a === farthest || b === farthest ? 0.25 : 0.8;
        pen.context.strokeStyle = color;
        pen.context.lineWidth = 1.2;
        pen.context.beginPath();
        pen.context.moveTo(from[0], from[1]);
        pen.context.lineTo(to[0], to[1]);
        pen.context.stroke();
      }
      pen.context.globalAlpha = 1;
    }
  }

  /** @param {CanvasRenderingContext2D} context */
  _frame(context) {
    const area = this.viewer.areas.get(this.viewer.active);
    if (!area || this.viewer.areas.size < 2) return;
    context.strokeStyle = "rgba(77, 159, 214, 0.9)";
    context.lineWidth = 1;
    context.strokeRect(area.left + 0.5, area.top + 0.5, area.width - 1, area.height - 1);
  }
}
