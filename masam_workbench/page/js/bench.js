import { Lost } from "./connection.js";
import { TOOLS } from "./tools/tools.js";
import { paintRing } from "./tools/stroke.js";
import { bounds } from "./view/space.js";
import { cornersOf } from "./view/boxes.js";
import { END_WORDS } from "./names.js";

/** @typedef {import("./types").Box} Box */
/** @typedef {import("./types").Vec3} Vec3 */

const ASKING = ["box", "line", "slicebox", "click", "point", "notpoint", "scribble", "notscribble", "lasso", "notlasso"];
const SETTLE_MS = 400; // after an answer, what it changed has been told

/**
 * What panel, tools and keys have in common: the tab that is asked, the views, and the tool in hand.
 */
export class Bench {
  /**
   * @param {import("./store.js").Store} store
   * @param {import("./connection.js").Connection} connection
   * @param {import("./view/viewer.js").Viewer} viewer
   * @param {import("./view/overlay.js").Overlay} overlay
   * @param {import("./view/masks.js").Masks} masks
   * @param {import("./view/look.js").Look} look
   */
  constructor(store, connection, viewer, overlay, masks, look) {
    this.store = store;
    this.connection = connection;
    this.viewer = viewer;
    this.overlay = overlay;
    this.masks = masks;
    this.look = look;
    /** Name of a tool, or an empty text. */
    this.tool = "";
    /** The first of two places that Enter takes. @type {Vec3 | null} */
    this.first = null;
    /** Words of the page's own, and of what kind. */
    this.told = { text: "", kind: "" };
    /** Id of the prompt that Delete removes. */
    this.prompt = "";
    /** View that was used last to look at slices. @type {import("./types").ViewName} */
    this.plane = "axial";
    /** @type {(() => void)[]} */
    this._listeners = [];
    /** Gives up what the pointer is doing. @type {() => boolean} */
    this.cancelGesture = () => false;
    /** The earlier study beside, where there can be one. @type {import("./beside.js").Beside | null} */
    this.beside = null;
    this._known = new Set();
    store.watch(["lesions"], () => this._lesionsChanged());
    store.watch(["structures"], () => this._surfaces());
    store.watch(["message"], () => this._hear());
  }

  /** @param {() => void} then called when tool, words or look change */
  onChange(then) {
    this._listeners.push(then);
  }

  /** Tell panel and views that tool, words or look have changed. */
  changed() {
    for (const then of this._listeners) then();
    this.viewer.change(false);
  }

  /**
   * Ask the tab; a refusal is said in the page.
   * @param {string} name
   * @param {...any} values
   * @returns {Promise<any>} undefined where it was refused
   */
  ask(name, ...values) {
    return this.connection.ask(name, ...values).catch(async (error) => {
      // The tab says its refusals in its message, too, which comes at the same time.
      if (!(error instanceof Lost)) await new Promise((done) => setTimeout(done, SETTLE_MS));
      if (!String(this.store.state.message ?? "").includes(error.message)) this.say(error.message, "error");
      return undefined;
    });
  }

  /** @param {string} text @param {string} [kind] "", warning or error */
  say(text, kind = "") {
    this.told = { text, kind };
    this.changed();
  }

  _hear() {
    this.told = { text: "", kind: "" };
    for (const then of this._listeners) then();
  }

  /**
   * Take a tool, or put it away.
   * @param {string} name of a tool; an empty text puts it away
   */
  setTool(name) {
    this.cancelGesture();
    this.first = null;
    this.overlay.draft = null;
    const next = name === this.tool ? "" : name;
    if (next && !this.viewer.grid) {
      this.say("Open an image first.");
      return;
    }
    if (ASKING.includes(next) && this.store.state.automatic?.only) {
      this.say("The chosen model takes no boxes or clicks. Press Segment all, or choose another model in Settings.", "warning");
      return;
    }
    this.tool = next;
    this.overlay.ring = next === "brush" || next === "eraser" ? (pen, camera) => paintRing(pen, camera, this.overlay) : null;
    this.told = { text: next ? TOOLS[next].say : "", kind: "" };
    this.changed();
  }

  /** Put a tool away that is used once. */
  used() {
    if (this.tool && TOOLS[this.tool].once) {
      this.tool = "";
      this.told = { text: "", kind: "" };
    }
    this.changed();
  }

  /** @param {Box} box */
  newBox(box) {
    this.used();
    return this.ask("newBox", box.center, box.axes, box.size);
  }

  /** @param {string} lesion @param {Box} box */
  moveBox(lesion, box) {
    this.overlay.moved.set(lesion, box);
    return this.moving(lesion, this.ask("moveBox", lesion, box.center, box.axes, box.size));
  }

  /**
   * Show something where it was put, until the tab has said where it is.
   * @param {string} id @param {Promise<any>} answer
   */
  moving(id, answer) {
    return answer.finally(() =>
      setTimeout(() => {
        this.overlay.moved.delete(id);
        this.viewer.change(false);
      }, SETTLE_MS),
    );
  }

  /** @param {string} id of a prompt of the selected lesion */
  pickPrompt(id) {
    this.prompt = id;
    this.say("Delete removes this prompt; the mask follows.");
  }

  /** @param {string} id of a lesion: look at it */
  goTo(id) {
    const lesion = this.store.lesion(id);
    const middle = lesion && middleOf(lesion);
    if (middle) this.viewer.goTo(middle);
    this.lookIn3D();
  }

  /** Upper or lower end of the selected box, or first and last, here. @param {"upper" | "lower"} end */
  setEnd(end) {
    const { viewer, store } = this;
    if (!viewer.grid) return;
    this.ask("setEnd", store.state.selected, end, viewer.grid.toRas(viewer.cross), this.plane);
  }

  /** @returns {string} a word for the ends of a box in the view that was used last */
  endWord(/** @type {"upper" | "lower"} */ end) {
    return END_WORDS[this.plane][end === "upper" ? 0 : 1];
  }

  /** Turn the 3D view's middle to what there is. */
  lookIn3D() {
    const { store, viewer } = this;
    const lesion = store.selected ?? store.state.lesions[0];
    const points = lesion?.box ? cornersOf(lesion.box) : (lesion?.prompts.flatMap((each) => each.points) ?? []);
    if (points.length) {
      const { middle, extent } = bounds(points);
      viewer.space.lookAt(middle, extent);
    } else if (viewer.grid) viewer.space.frame(viewer.grid);
  }

  _lesionsChanged() {
    const { lesions } = this.store.state;
    this.masks.take(lesions);
    for (const id of this.overlay.moved.keys()) {
      if (!lesions.some((each) => each.id === id)) continue;
      this.overlay.moved.delete(id);
    }
    const fresh = lesions.filter((each) => !this._known.has(each.id));
    const first = !this._known.size && fresh.length > 1;
    this._known = new Set(lesions.map((each) => each.id));
    if (fresh.length && this.viewer.grid && !first) {
      const middle = middleOf(fresh[fresh.length - 1]);
      if (middle) this.viewer.goTo(middle); // the crosshair goes to a new box by itself
    }
    if (fresh.length || !lesions.length) this.lookIn3D();
    this._surfaces();
  }

  /** Have the 3D view show what there is. */
  _surfaces() {
    const { lesions, structures } = this.store.state;
    this.viewer.space.surfaces(
      [...structures, ...lesions]
        .filter((each) => each.visible && each.surface)
        .map((each) => ({
          id: each.id,
          version: String(each.surface),
          color: each.color,
          url: `surface/${encodeURIComponent(each.id)}/${encodeURIComponent(String(each.surface))}`,
        })),
    );
    this.viewer.change(false);
  }
}

/** @param {import("./types").Lesion} lesion @returns {Vec3 | null} RAS */
export function middleOf(lesion) {
  if (lesion.box) return lesion.box.center;
  const points = lesion.prompts.flatMap((each) => each.points);
  return points.length ? bounds(points).middle : null;
}
