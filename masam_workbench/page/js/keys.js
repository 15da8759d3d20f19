import { TOOLS } from "./tools/tools.js";
import { saveScreenshot } from "./screenshot.js";
import { VIEWS } from "./view/grid.js";
import { layoutsOf } from "./view/layout.js";
import { add, scale } from "./view/vectors.js";

/** @typedef {import("./bench.js").Bench} Bench */
/** @typedef {import("./types").Vec3} Vec3 */

const TEXT = "input:not([type=range]):not([type=checkbox]):not([type=color]):not([type=radio]), select, textarea";
const FAR = 10; // voxels, with Shift
const ZOOM = 1.25;
const REST_MS = 350; // after the last key a box has been put where it is
/** @type {Record<string, [number, number]>} pixels by which an arrow turns the 3D view */
const TURNS = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] };

/** Boxes that keys are moving, by lesion. @type {Map<string, {timer: number, box: import("./types").Box}>} */
const resting = new Map();

/** Which keys take which tool. @type {Record<string, string>} */
const OF_TOOLS = Object.fromEntries(Object.entries(TOOLS).map(([name, tool]) => [tool.key.toLowerCase(), name]));

/**
 * The keys of the page.
 * @param {Bench} bench
 * @param {{files: import("./files.js").Files, help: () => void, segment: () => void}} does
 */
export function listen(bench, does) {
  window.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open], :popover-open") || event.isComposing) return;
    if (target.closest?.(TEXT)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    // The earlier study has keys to look at it; the rest is the later one's.
    const here = bench.beside && target.closest?.(".beside") ? bench.beside : bench;
    if (looks(here, event) || act(bench, does, event, target)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

/**
 * What keys do in the earlier study: step, zoom, window, fit.
 * @param {any} here @param {KeyboardEvent} event
 * @returns {boolean} whether the key was one of these, and the view the earlier study's
 */
function looks(here, event) {
  if (!here.main || event.ctrlKey || event.metaKey || event.altKey || !here.viewer.grid) return false;
  if (event.target instanceof HTMLInputElement) return false;
  if (event.key.startsWith("Arrow") || event.key.startsWith("Page")) return step(here, event);
  if (/^[1-9]$/.test(event.key) || ["+", "=", "-", "a"].includes(event.key)) return plainKey(here, event, event.key);
  return false;
}

/**
 * @param {Bench} bench
 * @param {{files: import("./files.js").Files, help: () => void, segment: () => void}} does
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @returns {boolean} whether the key was ours
 */
function act(bench, does, event, target) {
  const { viewer } = bench;
  const ctrl = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const arrows = key.startsWith("Arrow");
  if (
    target.matches?.("input[type=range], input[type=radio]") &&
    (arrows || key.startsWith("Page") || key === "Home" || key === "End")
  )
    return false;
  if (key === "Escape") {
    if (bench.cancelGesture()) return true;
    if (bench.tool) bench.setTool("");
    else if (!does.files.stop()) bench.ask("leave");
    return true;
  }
  if (ctrl && key === "z") return done(event, () => bench.ask(event.shiftKey ? "redo" : "undo"));
  if (ctrl && key === "y") return done(event, () => bench.ask("redo"));
  if (ctrl && key === "Enter") return done(event, does.segment);
  if (ctrl && key === "s") return done(event, () => bench.ask("save", ".seg.nrrd"));
  if (arrows || key === "PageUp" || key === "PageDown")
    return viewer.grid ? (ctrl ? moveBox(bench, event) : step(bench, event)) : false;
  if (ctrl || event.altKey) return false;
  const isButton = target.matches?.("button, a, summary, input");
  if (key === "Enter") return isButton || target.matches?.("[data-test=lesion]") ? false : enter(bench);
  if (key === " ") return false;
  const tool = OF_TOOLS[event.shiftKey ? `shift+${key}` : key];
  if (tool) return done(event, () => bench.setTool(tool));
  if (key === "?") return done(event, does.help);
  if (event.shiftKey && !["+", "*"].includes(key)) return false;
  return plainKey(bench, event, key);
}

/** @param {Bench} bench @param {KeyboardEvent} event @param {string} key */
function plainKey(bench, event, key) {
  const { viewer, store } = bench;
  /** @type {Record<string, () => void>} */
  const actions = {
    v: () => toggle(bench, "masks"),
    g: () => toggle(bench, "boxes"),
    c: () => toggle(bench, "cross"),
    h: () => toggle(bench, "names"),
    e: () => bench.ask("next").then(() => bench.goTo(store.state.selected)),
    a: () => viewer.fit(),
    ",": () => bench.ask("stepFrame", -1),
    ".": () => bench.ask("stepFrame", 1),
    "[": () => bench.setEnd("lower"),
    "]": () => bench.setEnd("upper"),
    "+": () => zoom(bench, ZOOM),
    "=": () => zoom(bench, ZOOM),
    "-": () => zoom(bench, 1 / ZOOM),
    Delete: () => remove(bench),
    Backspace: () => remove(bench),
    i: () => saveScreenshot(bench),
    y: () => {
      const known = layoutsOf(viewer);
      viewer.setLayout(known[(known.findIndex((each) => each.key === viewer.layout) + 1) % known.length].key);
    },
  };
  if (/^[1-9]$/.test(key)) {
    const preset = store.state.image?.windows[Number(key) - 1];
    if (!preset) return false;
    viewer.setWindow(preset.window, preset.level);
    return true;
  }
  const action = actions[key];
  if (!action) return false;
  if (!event.repeat || key === "+" || key === "-" || key === "=") action();
  return true;
}

/** @param {KeyboardEvent} event @param {() => any} action */
function done(event, action) {
  if (!event.repeat) action();
  return true;
}

/** @param {Bench} bench @param {"masks" | "boxes" | "cross" | "names"} what */
export function toggle(bench, what) {
  bench.look[what] = !bench.look[what];
  bench.look.keep();
  bench.changed();
}

/** @param {Bench} bench @param {number} factor */
function zoom({ viewer }, factor) {
  if (viewer.active === "space") {
    viewer.space.zoom(factor);
    return;
  }
  const camera = viewer.cameras?.[viewer.active];
  if (!camera) return;
  const [x, y] = camera.toScreen(viewer.cross);
  camera.zoomAt(factor, x, y);
  viewer.change();
}

/** @param {Bench} bench */
function remove(bench) {
  const { store, overlay, viewer } = bench;
  if (bench.prompt && store.selected?.prompts.some((each) => each.id === bench.prompt)) {
    bench.ask("deletePrompt", store.state.selected, bench.prompt);
    bench.prompt = "";
  } else if (overlay.measures.length && (bench.tool === "ruler" || bench.tool === "diameters" || !store.state.selected)) {
    overlay.measures.pop();
    viewer.change(false);
  } else if (store.state.selected) {
    bench.ask("delete", store.state.selected);
  }
}

/** Enter: the tool's, at the crosshair; without a tool the view alone. @param {Bench} bench */
function enter(bench) {
  const { viewer } = bench;
  const name = viewer.active === "space" ? "axial" : viewer.active;
  const camera = viewer.cameras?.[name];
  if (!camera) return false;
  if (!bench.tool) {
    viewer.enlarge(viewer.active);
    return true;
  }
  const tool = TOOLS[bench.tool];
  if (tool.enter) tool.enter(bench, camera);
  else bench.say(`${tool.word} needs the mouse.`);
  return true;
}

/** What an arrow does in a view, in voxels. @param {Bench} bench @param {KeyboardEvent} event @returns {Vec3 | null} */
function way({ viewer }, event) {
  const name = viewer.active === "space" ? "axial" : viewer.active;
  if (!VIEWS.includes(name)) return null;
  const { u, v, w } = /** @type {NonNullable<typeof viewer.cameras>} */ (viewer.cameras)[name].plane;
  /** @type {Vec3} */
  const found = [0, 0, 0];
  const far = event.shiftKey ? FAR : 1;
  if (event.key === "ArrowLeft") found[u] = far; // the screen's left is the patient's right, or front
  if (event.key === "ArrowRight") found[u] = -far;
  if (event.key === "ArrowUp") found[v] = far;
  if (event.key === "ArrowDown") found[v] = -far;
  if (event.key === "PageUp") found[w] = far;
  if (event.key === "PageDown") found[w] = -far;
  return found;
}

/** @param {Bench} bench @param {KeyboardEvent} event */
function step(bench, event) {
  if (bench.viewer.active === "space") {
    const [right, down] = TURNS[event.key] ?? [0, 0];
    bench.viewer.space.turn(right, down);
    return true;
  }
  const by = way(bench, event);
  if (!by) return false;
  bench.viewer.setCross(add(/** @type {Vec3} */ (bench.viewer.cross.map(Math.round)), by));
  return true;
}

/** Ctrl and an arrow: the selected box moves. @param {Bench} bench @param {KeyboardEvent} event */
function moveBox(bench, event) {
  const { store, viewer, overlay } = bench;
  const lesion = store.selected;
  const by = way(bench, event);
  const grid = viewer.grid;
  if (!lesion?.box || !by || !grid) return false;
  if (lesion.locked) {
    bench.say(`'${lesion.name}' is locked; unlock it in the list to change it.`);
    return true;
  }
  const before = resting.get(lesion.id);
  const box = before?.box ?? overlay.boxOf(lesion) ?? lesion.box;
  const mm = by.reduce(
    (sum, n, axis) => add(sum, scale(grid.directions[axis], n * grid.spacing[axis])),
    /** @type {Vec3} */ ([0, 0, 0]),
  );
  const moved = { ...box, center: add(box.center, mm) };
  overlay.moved.set(lesion.id, moved);
  viewer.change(false);
  clearTimeout(before?.timer); // several keys are one step
  const send = () => {
    resting.delete(lesion.id);
    bench.moveBox(lesion.id, moved);
  };
  resting.set(lesion.id, { timer: window.setTimeout(send, REST_MS), box: moved });
  return true;
}
