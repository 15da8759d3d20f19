import { between } from "../view/boxes.js";
import { paintMark } from "../view/marks.js";
import { measureWords } from "../view/measures.js";

/** @typedef {import("../types").Vec3} Vec3 */
/** @typedef {import("../bench.js").Bench} Bench */
/** @typedef {import("../view/camera.js").Camera} Camera */
/** @typedef {import("./gestures.js").Gesture} Gesture */
/** @typedef {import("./tools.js").Tool} Tool */

const APART = 4; // pixels; press and release that lie nearer together are a click

/**
 * Two places, by a drag or by two clicks.
 * @param {Bench} bench
 * @param {Camera} camera
 * @param {number} x @param {number} y
 * @param {string} kind how it is drawn meanwhile
 * @param {(a: Vec3, b: Vec3) => void} then voxels
 * @returns {Gesture}
 */
export function twoPlaces(bench, camera, x, y, kind, then) {
  const { viewer, overlay } = bench;
  const slice = viewer.slice(camera.name);
  const a = camera.fromScreen(x, y, slice);
  let b = a;
  overlay.draft = (pen, each) => {
    if (each === camera) paintMark(pen, kind, true, [camera.toScreen(a), camera.toScreen(b)]);
  };
  const close = () => {
    overlay.draft = null;
    viewer.change(false);
  };
  return {
    sticky: true,
    move(newX, newY) {
      b = camera.fromScreen(newX, newY, slice);
      viewer.change(false);
    },
    end(newX, newY) {
      b = camera.fromScreen(newX, newY, slice);
      close();
      if (Math.hypot(newX - x, newY - y) < APART) bench.say("That was one place. Drag from one to the other, or click both.");
      else then(a, b);
    },
    cancel: close,
  };
}

/**
 * Two places by the keyboard: Enter takes the crosshair's, twice.
 * @param {Bench} bench @param {Camera} camera @param {(a: Vec3, b: Vec3) => void} then
 */
export function twoEnters(bench, camera, then) {
  const { viewer, overlay } = bench;
  const here = /** @type {Vec3} */ ([...viewer.cross]);
  const first = bench.first;
  if (!first) {
    bench.first = here;
    overlay.draft = (pen, each) => {
      const at = each.toScreen(here);
      const to = each.toScreen(viewer.cross);
      pen.lines([at, [to[0], at[1]], to, [at[0], to[1]], at], "#fff", 1.2, [2, 3]);
    };
    bench.say("That is the first place. Move the crosshair to the other one, and press Enter again.");
    viewer.change(false);
    return;
  }
  bench.first = null;
  overlay.draft = null;
  if (first.every((each, n) => each === here[n]))
    bench.say("Both places are the same. Move the crosshair with the arrow keys first.");
  else then(first, here);
}

/** @param {Bench} bench @param {Camera} camera @param {Vec3} a @param {Vec3} b */
export function box(bench, camera, a, b) {
  const { grid, plane } = camera;
  const [low, high] = [/** @type {Vec3} */ ([...a]), /** @type {Vec3} */ ([...b])];
  if (Math.round(a[plane.w]) === Math.round(b[plane.w])) {
    // As deep as the shorter side is long, which the user then sets right in the other views.
    const across = Math.min(
      Math.abs(a[plane.u] - b[plane.u]) * grid.spacing[plane.u],
      Math.abs(a[plane.v] - b[plane.v]) * grid.spacing[plane.v],
    );
    const deep = Math.max(across / grid.spacing[plane.w], 1) / 2;
    low[plane.w] = Math.max(a[plane.w] - deep, -0.5);
    high[plane.w] = Math.min(a[plane.w] + deep, grid.size[plane.w] - 0.5);
  }
  bench.newBox(between(grid, low, high));
}

/** @param {Bench} bench @param {Camera} camera @param {string} kind @param {Vec3[]} points voxels */
export function first(bench, camera, kind, points) {
  bench.used();
  bench.ask(
    "first",
    kind,
    points.map((each) => camera.grid.toRas(each)),
    camera.name,
  );
}

/**
 * One place, by a click.
 * @param {Bench} bench @param {Camera} camera @param {number} x @param {number} y
 * @param {(o: Vec3) => void} then voxel
 * @returns {Gesture}
 */
export function clicked(bench, camera, x, y, then) {
  return {
    move() {},
    end(newX, newY) {
      if (Math.hypot(newX - x, newY - y) < 3 * APART) then(camera.fromScreen(newX, newY, bench.viewer.slice(camera.name)));
    },
  };
}

/** @param {boolean} positive @returns {Pick<Tool, "press" | "enter">} */
export function point(positive) {
  const put = (/** @type {Bench} */ bench, /** @type {Camera} */ camera, /** @type {Vec3} */ o) => {
    if (!camera.grid.contains(o)) return;
    const lesion = bench.store.selected;
    if (lesion && (lesion.mask || lesion.box || lesion.prompts.length))
      bench.ask("correct", lesion.id, "point", positive, [camera.grid.toRas(o)], camera.name);
    else if (positive) first(bench, camera, "point", [o]);
    else bench.say("Mark a lesion first; this takes something off its mask.");
  };
  return {
    press: (bench, camera, x, y) => clicked(bench, camera, x, y, (o) => put(bench, camera, o)),
    enter: (bench, camera) => put(bench, camera, bench.viewer.cross),
  };
}

/**
 * A line drawn freely.
 * @param {string} kind @param {boolean} positive
 * @returns {Pick<Tool, "press">}
 */
export function free(kind, positive) {
  return {
    press(bench, camera, x, y) {
      const { viewer, overlay } = bench;
      const lesion = bench.store.selected;
      if (!lesion?.mask) {
        bench.say("Segment a lesion first; this corrects its mask.");
        return null;
      }
      const slice = viewer.slice(camera.name);
      const points = [camera.fromScreen(x, y, slice)];
      let last = [x, y];
      overlay.draft = (pen, each) => {
        if (each === camera)
          paintMark(
            pen,
            kind,
            positive,
            points.map((o) => camera.toScreen(o)),
          );
      };
      const close = () => {
        overlay.draft = null;
        viewer.change(false);
      };
      return {
        move(newX, newY) {
          if (Math.hypot(newX - last[0], newY - last[1]) < 3) return;
          last = [newX, newY];
          points.push(camera.fromScreen(newX, newY, slice));
          viewer.change(false);
        },
        end() {
          close();
          if (points.length < (kind === "lasso" ? 3 : 2)) bench.say("That was too short. Keep the button down while drawing.");
          else
            bench.ask(
              "correct",
              lesion.id,
              kind,
              positive,
              points.map((o) => camera.grid.toRas(o)),
              camera.name,
            );
        },
        cancel: close,
      };
    },
  };
}

/** @param {Bench} bench @param {Camera} camera @param {Vec3[]} points voxels */
export function measure(bench, camera, points) {
  const slice = bench.viewer.slice(camera.name);
  const ras = points.map((each) => camera.grid.toRas(each));
  const open = bench.overlay.measures.find(
    (each) => each.view === camera.name && each.slice === slice && each.points.length === 2 && each.pair,
  );
  if (bench.tool === "diameters" && open) open.points.push(...ras);
  else bench.overlay.measures.push({ view: camera.name, slice, points: ras, pair: bench.tool === "diameters" });
  const done = open && bench.tool === "diameters" ? open : bench.overlay.measures[bench.overlay.measures.length - 1];
  bench.say(bench.tool === "diameters" && done.points.length === 2 ? "Now the diameter across it." : measureWords(done));
  bench.viewer.change(false);
}
