import { side, VIEWS } from "./grid.js";

const NICE = [1, 2, 5, 10, 20, 50, 100, 200]; // mm of a scale bar
const TITLES = { axial: "Axial", coronal: "Coronal", sagittal: "Sagittal" };
const DIM = "#e6ebf0";
const FREE = 34; // pixels at the upper edge, where the view's own controls lie

/**
 * A number with so many digits as it needs.
 * @param {number} value
 */
export function short(value) {
  if (!Number.isFinite(value)) return "";
  return Number.isInteger(value) || Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/**
 * Which slice a view shows, in words.
 * @param {import("./camera.js").Camera} camera
 * @param {import("./viewer.js").Viewer} viewer
 */
export function place(camera, viewer) {
  const { w } = camera.plane;
  const slice = viewer.slice(camera.name);
  /** @type {import("../types").Vec3} */
  const o = [...viewer.cross];
  o[w] = slice;
  return { number: number(camera, slice), count: camera.grid.size[w], mm: side(w, camera.grid.toRas(o)[w]) };
}

/**
 * Number of a slice as tables and other programs count it: from 1 in the order of the file.
 * @param {import("./camera.js").Camera} camera @param {number} slice from 0, ascending to R, A, S
 */
export function number(camera, slice) {
  const { grid, plane } = camera;
  return grid.flipped[plane.w] ? grid.size[plane.w] - slice : slice + 1;
}

/** @param {import("./camera.js").Camera} camera @param {number} counted @returns {number} slice from 0 */
export function fromNumber(camera, counted) {
  const { grid, plane } = camera;
  return grid.flipped[plane.w] ? grid.size[plane.w] - counted : counted - 1;
}

/** @param {import("./camera.js").Camera} camera */
export function title(camera) {
  return TITLES[camera.name] + (camera.grid.oblique ? " Oblique" : "");
}

/**
 * What stands in a view: its name, slice and position, letters, value under the pointer, scale bar,
 * and whose image it is.
 * @param {import("./pen.js").Pen} pen
 * @param {import("./camera.js").Camera} camera
 * @param {import("./overlay.js").Overlay} overlay
 */
export function paintWords(pen, camera, overlay) {
  const { viewer, store, look } = overlay;
  const { left, top, width, height } = camera.area;
  const { u, v } = camera.plane;
  const grid = camera.grid;
  const image = store.state.image;
  const at = place(camera, viewer);
  pen.text(title(camera), left + 10, top + 22, { weight: 600 });
  const beside = left + 10 + pen.width(title(camera), 14) + 12;
  pen.text(`${at.number} / ${at.count}   ${at.mm} mm`, beside, top + 22);
  if (viewer.slab) pen.text(`MIP ${short(viewer.slab)} mm`, left + 10, top + 40, { color: "#ffd479" });

  const middle = { x: left + width / 2, y: top + height / 2 };
  pen.text(grid.letters(v, true), middle.x, top + FREE + 14, { align: "center", size: 14 });
  pen.text(grid.letters(v, false), middle.x, top + height - 10, { align: "center", size: 14 });
  pen.text(grid.letters(u, true), left + 10, middle.y + 5, { size: 14 });
  pen.text(grid.letters(u, false), left + width - 10, middle.y + 5, { align: "right", size: 14 });

  const small = width < 300 || height < 200;
  const unit = image?.unit ? ` ${image.unit}` : "";
  const foot = top + height - 10;
  if (!small) pen.text(`W ${short(viewer.window)}  L ${short(viewer.level)}${unit}`, left + 10, foot, { color: DIM });
  const pointer = overlay.pointer?.name === camera.name ? overlay.pointer : null;
  if (pointer) {
    const o = camera.fromScreen(pointer.x, pointer.y, viewer.slice(camera.name));
    const value = viewer.value(o);
    if (value !== undefined) {
      const ras = grid.toRas(o);
      const where = [0, 1, 2].map((axis) => side(axis, ras[axis])).join("  ");
      pen.text(`${short(value)}${unit}`, left + 10, foot - 34, { weight: 600, size: 14 });
      if (!small) pen.text(`${where} mm`, left + 10, foot - 17, { color: DIM });
    }
  }
  scaleBar(pen, camera);
  if (image && camera.name === firstOf(viewer)) owner(pen, camera, image, look.names);
}

/** @param {import("./viewer.js").Viewer} viewer the view that names the patient: the largest */
function firstOf(viewer) {
  const large = VIEWS.find((name) => name === viewer.large && viewer.areas.has(name));
  return viewer.layout === "four" ? viewer.shown[0] : (large ?? viewer.shown[0]);
}

/** @param {import("./pen.js").Pen} pen @param {import("./camera.js").Camera} camera */
function scaleBar(pen, camera) {
  const { left, top, width, height } = camera.area;
  const wanted = Math.min(width / 5, 110);
  const mm = [...NICE].reverse().find((each) => each * camera.scale <= wanted) ?? NICE[0];
  const [x, y] = [left + width - 14, top + height - 12];
  const long = mm * camera.scale;
  pen.lines(
    [
      [x - long, y - 4],
      [x - long, y],
      [x, y],
      [x, y - 4],
    ],
    "#fff",
    1.8,
  );
  pen.text(mm >= 10 ? `${mm / 10} cm` : `${mm} mm`, x - long / 2, y - 8, { align: "center" });
}

/** @param {import("./pen.js").Pen} pen @param {import("./camera.js").Camera} camera @param {import("../types").Image} image @param {boolean} named whether more than its place in time is said */
function owner(pen, camera, image, named) {
  const { left, top, width, height } = camera.area;
  const lines = [
    image.role ? [image.role, named ? image.date : ""].filter(Boolean).join("  ") : "",
    ...(named ? ownersOf(image) : []),
  ].filter(Boolean);
  const room = Math.floor((height / 2 - FREE - 20) / 17);
  lines
    .slice(0, Math.max(room, 0))
    .forEach((line, n) =>
      pen.text(line, left + width - 10, top + FREE + 16 + 17 * n, { align: "right", color: DIM, size: 12.5 }),
    );
}

/** @param {import("../types").Image} image @returns {string[]} whose it is, and what of */
function ownersOf(image) {
  const { patient, study, series } = image;
  const spacing = image.spacing.map((each) => Number(each.toPrecision(3))).join(" × ");
  return [
    image.role ? image.name : "",
    patient ? [patient.name, patient.id].filter(Boolean).join("  ") : "",
    patient ? [patient.birth, patient.sex].filter(Boolean).join("  ") : "",
    [wordsOf(study), image.role ? "" : image.date].filter(Boolean).join("  "),
    wordsOf(series),
    [image.modality, `${spacing} mm`].filter(Boolean).join("  "),
  ];
}

/** @param {any} part a study or series, as the tab describes it */
function wordsOf(part) {
  if (!part) return "";
  if (typeof part === "string") return part;
  return (
    part.words ??
    Object.values(part)
      .filter((each) => typeof each === "string" || typeof each === "number")
      .join("  ")
  );
}
