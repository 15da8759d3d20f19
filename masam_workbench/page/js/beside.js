import { buildTiles } from "./panel/tiles.js";
import { Store } from "./store.js";
import { Mouse } from "./tools/mouse.js";
import { Linked } from "./view/linked.js";
import { Masks } from "./view/masks.js";
import { Matching } from "./view/matching.js";
import { Overlay } from "./view/overlay.js";
import { Viewer } from "./view/viewer.js";

/** @typedef {import("./bench.js").Bench} Bench */

/**
 * The earlier study, beside the one that is worked at: image, masks and crosshair, to be looked at.
 * It has what tiles, mouse and keys ask of a bench, and changes nothing.
 */
export class Beside {
  /**
   * @param {Bench} bench
   * @param {HTMLElement} stage @param {HTMLCanvasElement} flat @param {HTMLCanvasElement} layer @param {HTMLElement} tiles
   */
  constructor(bench, stage, flat, layer, tiles) {
    this.main = bench;
    this.stage = stage;
    this.look = bench.look;
    this.tool = "";
    this.prompt = "";
    this.plane = "axial";
    this.store = new Store();
    this.viewer = new Viewer(stage, flat, null);
    this.viewer.layout = "one";
    this.viewer.enlarge = () => bench.viewer.enlarge(bench.viewer.large);
    this.masks = new Masks(() => this.viewer.change(false));
    this.overlay = new Overlay(layer, this.viewer, this.store, this.masks, bench.look);
    this.linked = new Linked(bench.viewer, this.viewer);
    buildTiles(tiles, /** @type {any} */ (this), new Mouse(/** @type {any} */ (this)), "earlier-");
    this._shown = "";
    this._started = false;
    bench.store.watch(["earlier"], () => this._take());
    bench.store.watch(["link"], () => this._link());
    bench.store.watch(["followup"], () => this._propose());
    bench.onChange(() => this.viewer.change(false));
    bench.viewer.onChange(() => this._follow());
  }

  /** Whether there is an earlier study. */
  get there() {
    return Boolean(this.main.store.state.earlier);
  }

  /** What is said of this view is said in the page. @param {string} text @param {string} [kind] */
  say(text, kind) {
    this.main.say(text, kind);
  }

  /** Nothing is changed here. */
  ask() {
    return Promise.resolve(undefined);
  }

  changed() {
    this.viewer.change(false);
  }

  /** Look at a proposal, and at the lesion that it comes from. @param {any} proposal */
  goTo(proposal) {
    const { viewer } = this.main;
    if (proposal.box) viewer.goTo(proposal.box.center);
    if (this.linked.works && proposal.box) return;
    const lesion = this.main.store.state.earlier?.lesions.find((/** @type {any} */ each) => each.id === proposal.id);
    const middle = lesion?.mask && this._middle(lesion.mask.extent);
    const at = middle || lesion?.box?.center;
    if (at) this.viewer.goTo(at);
  }

  /** @param {number[]} extent of a mask in the file's array */
  _middle([i, j, k, ni, nj, nk]) {
    const { grid } = this.viewer;
    if (!grid) return null;
    const native = [i + (ni - 1) / 2, j + (nj - 1) / 2, k + (nk - 1) / 2];
    const o = grid.native.map((axis, n) => (grid.flipped[n] ? grid.size[n] - 1 - native[axis] : native[axis]));
    return grid.toRas(/** @type {import("./types").Vec3} */ (o));
  }

  _take() {
    const { earlier } = this.main.store.state;
    // Boxes and prompts are the later study's to show: nothing can be dragged here.
    const lesions = (earlier?.lesions ?? []).map((/** @type {any} */ each) => ({
      ...each,
      box: null,
      prompts: [],
      extendable: [],
      locked: true,
    }));
    this.store.merge({ image: earlier?.image ?? null, lesions, selected: "" });
    this.masks.take(lesions);
    this.main.viewer.pair(Boolean(earlier));
    this._show(earlier?.image ?? null);
  }

  /** @param {import("./types").Image | null} image */
  async _show(image) {
    const key = image?.version ?? "";
    if (key === this._shown) return;
    this._shown = key;
    delete this.stage.dataset.image;
    if (!image) {
      this.viewer.clear();
      return;
    }
    const wanted = () => this._shown === key;
    try {
      if (!this._started) await this.viewer.start();
      this._started = true;
      const answer = await fetch(image.url);
      if (!answer.ok) throw new Error(answer.statusText);
      const content = await answer.arrayBuffer();
      if (!wanted() || !(await this.viewer.show(content, image.window, false, wanted))) return;
      this._follow();
      this.linked.again();
      this.stage.dataset.image = key; // for whoever waits for the picture
    } catch (error) {
      if (!wanted()) return;
      this._shown = "";
      this.main.say(`The earlier study could not be shown: ${error instanceof Error ? error.message : error}`, "error");
    }
  }

  _link() {
    const { link } = this.main.store.state;
    this.linked.matching = link?.matrix ? new Matching(link.matrix, link.around ?? []) : null;
    this.linked.outside = false;
    this.linked.again();
    this.main.changed();
  }

  _propose() {
    const { followup } = this.main.store.state;
    this.main.overlay.proposed = (followup?.proposals ?? []).filter((/** @type {any} */ each) => each.box);
    this.main.viewer.change(false);
  }

  /** The same plane as in the later study. */
  _follow() {
    const { viewer } = this.main;
    const seen = viewer.layout === "two" && this.there;
    if (this.stage.hidden === seen) {
      this.stage.hidden = !seen;
      this.viewer.resize();
    }
    if (!seen) return;
    if (this.viewer.large !== viewer.large) {
      this.viewer.large = this.viewer.active = viewer.large;
      this.viewer.resize();
      this.linked.again();
    }
  }
}
