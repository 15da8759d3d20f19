import { windowing } from "./gestures.js";
import { stroke } from "./stroke.js";
import { box, clicked, first, free, measure, point, twoEnters, twoPlaces } from "./ways.js";

/** @typedef {import("../bench.js").Bench} Bench */
/** @typedef {import("../view/camera.js").Camera} Camera */
/** @typedef {import("./gestures.js").Gesture} Gesture */

/**
 * A tool: what a press of the pointer begins, and what Enter does at the crosshair.
 *
 * @typedef {{
 *   word: string, icon: string, key: string, about: string, say: string,
 *   press: (bench: Bench, camera: Camera, x: number, y: number) => Gesture | null,
 *   enter?: (bench: Bench, camera: Camera) => void,
 *   once?: boolean,
 * }} Tool `once` puts itself away when it has been used
 */

/** @type {Record<string, Tool>} */
export const TOOLS = {
  box: {
    word: "Box",
    icon: "box",
    key: "B",
    once: true,
    about: "Draw a tight box round a lesion: drag from corner to corner",
    say: "Drag from corner to corner in a slice, or click both corners. Then set its ends in the other views.",
    press: (bench, camera, x, y) => twoPlaces(bench, camera, x, y, "slicebox", (a, b) => box(bench, camera, a, b)),
    enter: (bench, camera) => twoEnters(bench, camera, (a, b) => box(bench, camera, a, b)),
  },
  line: {
    word: "Line",
    icon: "line",
    key: "R",
    once: true,
    about: "Draw the long diameter of a lesion, as for RECIST; its mask is found from it",
    say: "Drag along the longest diameter of the lesion.",
    press: (bench, camera, x, y) => twoPlaces(bench, camera, x, y, "line", (a, b) => first(bench, camera, "line", [a, b])),
    enter: (bench, camera) => twoEnters(bench, camera, (a, b) => first(bench, camera, "line", [a, b])),
  },
  slicebox: {
    word: "2D box",
    icon: "slicebox",
    key: "F",
    once: true,
    about: "Draw a box in one slice alone; how far the lesion goes is found",
    say: "Drag from corner to corner in one slice; how far the lesion goes is found.",
    press: (bench, camera, x, y) =>
      twoPlaces(bench, camera, x, y, "slicebox", (a, b) => first(bench, camera, "slicebox", [a, b])),
    enter: (bench, camera) => twoEnters(bench, camera, (a, b) => first(bench, camera, "slicebox", [a, b])),
  },
  click: {
    word: "Click",
    icon: "click",
    key: "K",
    once: true,
    about: "Click a lesion; its mask is found from that alone",
    say: "Click the middle of the lesion.",
    press: (bench, camera, x, y) => clicked(bench, camera, x, y, (o) => first(bench, camera, "point", [o])),
    enter: (bench, camera) => first(bench, camera, "point", [bench.viewer.cross]),
  },
  point: {
    word: "Add",
    icon: "point",
    key: "P",
    about: "Click what belongs to the lesion, too",
    say: "Click what belongs to the lesion, too.",
    ...point(true),
  },
  notpoint: {
    word: "Remove",
    icon: "notpoint",
    key: "N",
    about: "Click what does not belong to the lesion",
    say: "Click what does not belong to the lesion.",
    ...point(false),
  },
  scribble: {
    word: "Scribble",
    icon: "scribble",
    key: "S",
    about: "Draw a line through what belongs to the lesion, too. With Shift: through what does not",
    say: "Draw through what belongs to the lesion, too. Shift+S: through what does not.",
    ...free("scribble", true),
  },
  notscribble: {
    word: "Scribble off",
    icon: "notscribble",
    key: "Shift+S",
    about: "Draw a line through what does not belong to the lesion",
    say: "Draw through what does not belong to the lesion.",
    ...free("scribble", false),
  },
  lasso: {
    word: "Lasso",
    icon: "lasso",
    key: "L",
    about: "Draw round what belongs to the lesion, too. With Shift: round what does not",
    say: "Draw round what belongs to the lesion, too. Shift+L: round what does not.",
    ...free("lasso", true),
  },
  notlasso: {
    word: "Lasso off",
    icon: "lasso",
    key: "Shift+L",
    about: "Draw round what does not belong to the lesion",
    say: "Draw round what does not belong to the lesion.",
    ...free("lasso", false),
  },
  brush: {
    word: "Brush",
    icon: "brush",
    key: "D",
    about: "Paint by hand; without a lesion a new one begins",
    say: "Drag in a slice. Each stroke can be undone; Esc puts the brush away.",
    ...stroke("brush"),
  },
  eraser: {
    word: "Eraser",
    icon: "eraser",
    key: "X",
    about: "Take voxels off the selected mask by hand",
    say: "Drag in a slice. Each stroke can be undone; Esc puts the eraser away.",
    ...stroke("eraser"),
  },
  ruler: {
    word: "Ruler",
    icon: "ruler",
    key: "M",
    about: "Measure a distance: drag from end to end",
    say: "Drag from end to end. Its ends can be moved; Delete removes the last one.",
    press: (bench, camera, x, y) => twoPlaces(bench, camera, x, y, "line", (a, b) => measure(bench, camera, [a, b])),
    enter: (bench, camera) => twoEnters(bench, camera, (a, b) => measure(bench, camera, [a, b])),
  },
  diameters: {
    word: "Diameters",
    icon: "cross",
    key: "T",
    about: "Measure the longest diameter, then the one across it",
    say: "Drag along the longest diameter, then along the one across it.",
    press: (bench, camera, x, y) => twoPlaces(bench, camera, x, y, "line", (a, b) => measure(bench, camera, [a, b])),
    enter: (bench, camera) => twoEnters(bench, camera, (a, b) => measure(bench, camera, [a, b])),
  },
  window: {
    word: "Window",
    icon: "window",
    key: "W",
    about: "Drag sideways for the window, up and down for the level; the right button does it always",
    say: "Drag sideways for the window, up and down for the level. The right mouse button does it always.",
    press: (bench, _camera, x, y) => windowing(bench, x, y),
  },
};
