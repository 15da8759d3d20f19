import { hit, outline } from "../view/boxes.js";
import { hitMark } from "../view/marks.js";
import { hitSide, sideMarks } from "../view/sides.js";
import { hitMeasure } from "../view/measures.js";
import { boxDrag, crosshair, markDrag, measureDrag, pan, turning, windowing } from "./gestures.js";
import { TOOLS } from "./tools.js";

/** @typedef {import("../types").TileName} TileName */
/** @typedef {import("./gestures.js").Gesture} Gesture */

const NOTCH = 50; // pixels; a wheel event of so much is one notch of a mouse
const SMOOTH = 40; // pixels of a touch pad that are one slice
const ZOOM = 1.15; // a notch

/**
 * The pointer over the views.
 */
export class Mouse {
  /** @param {import("../bench.js").Bench} bench */
  constructor(bench) {
    this.bench = bench;
    /** @type {Gesture | null} */
    this._gesture = null;
    this._from = [0, 0];
    this._rolled = 0;
  }

  /** @param {HTMLElement} tile @param {TileName} name */
  bind(tile, name) {
    tile.addEventListener("pointerdown", (event) => this._press(tile, name, event));
    tile.addEventListener("pointermove", (event) => this._move(name, event));
    tile.addEventListener("pointerup", (event) => this._release(event));
    tile.addEventListener("pointercancel", () => this.cancel());
    tile.addEventListener("pointerleave", () => this._leave());
    tile.addEventListener("wheel", (event) => this._wheel(name, event), { passive: false });
    tile.addEventListener("dblclick", () => {
      if (!this.bench.tool) this.bench.viewer.enlarge(name);
    });
    tile.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Give up what is going on. @returns {boolean} whether there was something */
  cancel() {
    const gesture = this._gesture;
    this._gesture = null;
    gesture?.cancel?.();
    return gesture !== null;
  }

  /** @param {PointerEvent | WheelEvent} event @returns {[number, number]} pixels of the stage */
  _at(event) {
    const place = this.bench.viewer.stage.getBoundingClientRect();
    return [event.clientX - place.left, event.clientY - place.top];
  }

  /** @param {HTMLElement} tile @param {TileName} name @param {PointerEvent} event */
  _press(tile, name, event) {
    const { viewer } = this.bench;
    tile.focus({ preventScroll: true });
    if (!viewer.cameras) return;
    event.preventDefault();
    const [x, y] = this._at(event);
    viewer.activate(name);
    if (this._gesture) {
      const gesture = this._gesture;
      this._gesture = null;
      if (event.button === 0) gesture.end(x, y, event);
      else gesture.cancel?.();
      return;
    }
    const begun = this._begin(name, x, y, event);
    if (!begun) return;
    this._gesture = begun;
    this._from = [x, y];
    tile.setPointerCapture(event.pointerId);
    if (!begun.sticky) begun.move(x, y, event);
  }

  /** @param {TileName} name @param {number} x @param {number} y @param {PointerEvent} event @returns {Gesture | null} */
  _begin(name, x, y, event) {
    const { bench } = this;
    const { viewer, store } = bench;
    if (name === "space") {
      if (event.button === 0 && bench.tool && bench.tool !== "window")
        bench.say("Draw in a slice; the 3D view can be turned and zoomed.");
      return turning(bench, x, y);
    }
    const camera = /** @type {NonNullable<typeof viewer.cameras>} */ (viewer.cameras)[name];
    if (event.button === 2) return windowing(bench, x, y);
    const taken = bench.tool ? null : this.under(camera, x, y);
    if (event.button === 1 || (event.shiftKey && !bench.tool && !taken)) return pan(bench, camera, x, y);
    if (event.button !== 0) return null;
    if (bench.tool) return TOOLS[bench.tool].press(bench, camera, x, y);
    if (taken?.measure) return measureDrag(bench, camera, taken.measure, /** @type {number} */ (taken.point));
    if (taken?.prompt)
      return markDrag(bench, camera, store.state.selected, taken.prompt, /** @type {number} */ (taken.point), x, y);
    if (taken?.side) {
      bench.ask("extend", store.state.selected, taken.side.side);
      return null;
    }
    if (taken?.lesion) {
      // A box that is not the selected one is selected first, so that none is moved by accident.
      if (taken.lesion.id !== store.state.selected) bench.ask("select", taken.lesion.id);
      else if (taken.lesion.locked) bench.say(`'${taken.lesion.name}' is locked; unlock it in the list to change it.`);
      else return boxDrag(bench, camera, taken.lesion, event.shiftKey ? null : /** @type {any} */ (taken.faces), x, y);
      return null;
    }
    return crosshair(bench, camera);
  }

  /**
   * What the pointer would take hold of.
   * @param {import("../view/camera.js").Camera} camera @param {number} x @param {number} y
   * @returns {{measure?: import("../view/measures.js").Measure, prompt?: import("../types").Prompt, point?: number, lesion?: import("../types").Lesion, faces?: import("../view/boxes.js").Face[], side?: import("../types").Side} | null}
   */
  under(camera, x, y) {
    const { viewer, store, overlay, look } = this.bench;
    const slice = viewer.slice(camera.name);
    const measure = hitMeasure(camera, slice, overlay.measures, x, y);
    if (measure) return measure;
    const selected = store.selected;
    const mark = selected?.visible ? hitMark(camera, slice, selected.prompts, x, y) : null;
    if (mark) return mark;
    if (!look.boxes) return null;
    const side = selected?.visible ? hitSide(sideMarks(selected, camera, slice), x, y) : null;
    if (side) return { lesion: selected, side };
    const lesions = [...store.state.lesions].sort((a, b) => Number(b === selected) - Number(a === selected));
    for (const lesion of lesions) {
      const box = lesion.visible ? overlay.boxOf(lesion) : null;
      const shape = box && outline(box, camera, slice);
      const faces = shape && hit(shape, x, y);
      if (faces) return { lesion, faces };
    }
    return null;
  }

  /** @param {TileName} name @param {PointerEvent} event */
  _move(name, event) {
    const { bench } = this;
    const [x, y] = this._at(event);
    bench.overlay.pointer = { name, x, y };
    if (this._gesture) this._gesture.move(x, y, event);
    else this._hover(/** @type {HTMLElement} */ (event.currentTarget), name, x, y);
    bench.viewer.change(false);
  }

  /** @param {HTMLElement} tile @param {TileName} name @param {number} x @param {number} y */
  _hover(tile, name, x, y) {
    const { bench } = this;
    const camera = name === "space" ? null : bench.viewer.cameras?.[name];
    const taken = camera && !bench.tool ? this.under(camera, x, y) : null;
    bench.overlay.near = taken?.lesion?.id ?? "";
    tile.style.cursor =
      name === "space" ? "grab" : bench.tool ? "crosshair" : taken?.side ? "pointer" : taken ? "move" : "default";
    tile.title = taken?.side ? `Extend the box: the mask ${taken.side.words}` : "";
  }

  /** @param {PointerEvent} event */
  _release(event) {
    const gesture = this._gesture;
    if (!gesture) return;
    const [x, y] = this._at(event);
    if (gesture.sticky && Math.hypot(x - this._from[0], y - this._from[1]) < 4) return; // the second click ends it
    this._gesture = null;
    gesture.end(x, y, event);
  }

  _leave() {
    if (this._gesture) return;
    this.bench.overlay.pointer = null;
    this.bench.overlay.near = "";
    this.bench.viewer.change(false);
  }

  /** @param {TileName} name @param {WheelEvent} event */
  _wheel(name, event) {
    event.preventDefault();
    const { viewer } = this.bench;
    if (!viewer.cameras) return;
    const pixels = event.deltaMode === 1 ? event.deltaY * 34 : event.deltaY;
    const notches = Math.abs(pixels) >= NOTCH ? Math.sign(pixels) : this._smooth(pixels);
    const zooms = event.ctrlKey || event.metaKey;
    viewer.activate(name);
    if (name === "space") {
      viewer.space.zoom(ZOOM ** (zooms && !notches ? -pixels / NOTCH : -notches));
      return;
    }
    if (zooms) {
      const [x, y] = this._at(event);
      viewer.cameras[name].zoomAt(ZOOM ** (Math.abs(pixels) >= NOTCH ? -notches : -pixels / 10), x, y);
      viewer.change();
    } else if (notches) {
      viewer.setSlice(name, viewer.slice(name) - notches);
    }
  }

  /** A touch pad says little often. @param {number} pixels @returns {number} slices */
  _smooth(pixels) {
    if (Math.sign(pixels) !== Math.sign(this._rolled)) this._rolled = 0;
    this._rolled += pixels;
    const whole = Math.trunc(this._rolled / SMOOTH);
    this._rolled -= whole * SMOOTH;
    return whole;
  }
}
