/** @typedef {import("../types").TileName} TileName */
/** @typedef {import("./camera.js").Area} Area */

const GAP = 2; // pixels between views

/** @type {{key: string, name: string, icon: string, words: string}[]} */
export const LAYOUTS = [
  { key: "four", name: "2 x 2", icon: "four", words: "Three planes and 3D, all of a size" },
  { key: "side", name: "1 + 3", icon: "side", words: "One large view, the others beside it" },
  { key: "one", name: "1", icon: "one", words: "One view alone" },
  { key: "two", name: "1 | 1", icon: "two", words: "The same plane of both studies side by side" },
];

/** The layouts that there are; two studies need two. @param {{paired: boolean}} viewer */
export function layoutsOf({ paired }) {
  return LAYOUTS.filter((each) => paired || each.key !== "two");
}

/** @type {TileName[]} */
const ORDER = ["axial", "space", "coronal", "sagittal"];

/**
 * Where the views lie.
 * @param {string} layout key of a layout
 * @param {TileName} first the large view, where there is one
 * @param {number} width @param {number} height of the stage
 * @returns {Map<TileName, Area>}
 */
export function place(layout, first, width, height) {
  /** @type {Map<TileName, Area>} */
  const found = new Map();
  if (layout === "one") {
    found.set(first, { left: 0, top: 0, width, height });
  } else if (layout === "two") {
    const half = Math.floor((width - GAP) / 2); // the left one is the earlier study's
    found.set(first, { left: half + GAP, top: 0, width: width - half - GAP, height });
  } else if (layout === "side") {
    const others = ORDER.filter((name) => name !== first);
    const narrow = Math.round(Math.min(width * 0.3, ((height - 2 * GAP) / 3) * 1.4));
    const wide = width - narrow - GAP;
    const high = Math.floor((height - 2 * GAP) / 3);
    found.set(first, { left: 0, top: 0, width: wide, height });
    others.forEach((name, n) => found.set(name, { left: wide + GAP, top: n * (high + GAP), width: narrow, height: high }));
  } else {
    const wide = Math.floor((width - GAP) / 2);
    const high = Math.floor((height - GAP) / 2);
    ORDER.forEach((name, n) =>
      found.set(name, { left: (n % 2) * (wide + GAP), top: Math.floor(n / 2) * (high + GAP), width: wide, height: high }),
    );
  }
  return found;
}
