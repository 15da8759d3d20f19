import { h, icon } from "../dom.js";

const NAMES = [
  ["R", "L"],
  ["A", "P"],
  ["S", "I"],
];

/**
 * The size of a box in figures, for the keyboard and for who knows it to the millimetre.
 * @param {import("../bench.js").Bench} bench
 * @param {string} id of the lesion
 */
export function sizeFields(bench, id) {
  const { store, viewer } = bench;
  const fields = [0, 1, 2].map((axis) => {
    const field = h("input", { type: "number", min: 1, step: "any", "data-test": `size-${axis}` });
    field.addEventListener("change", () => take(axis, Number(field.value)));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") field.blur();
    });
    return field;
  });
  const here = h(
    "button",
    { type: "button", class: "small only", "data-test": "box-here", title: "Bring the middle of the box to the crosshair" },
    icon("click"),
  );
  here.addEventListener("click", () => {
    const box = store.lesion(id)?.box;
    if (box && viewer.grid) bench.moveBox(id, { ...box, center: viewer.grid.toRas(viewer.cross) });
  });
  const root = h(
    "div",
    { class: "size", role: "group" },
    h("span", {}, "Box"),
    ...fields.flatMap((each, n) => (n ? [h("span", { "aria-hidden": "true" }, "×"), each] : [each])),
    h("span", {}, "mm"),
    here,
  );

  /** @param {number} axis of the body @param {number} mm */
  function take(axis, mm) {
    const box = store.lesion(id)?.box;
    if (!box || !(mm > 0)) return;
    const size = /** @type {import("../types").Vec3} */ ([...box.size]);
    size[own(box)[axis]] = mm;
    bench.moveBox(id, { ...box, size });
  }

  return {
    root,
    /** @param {import("../types").Lesion} lesion */
    show(lesion) {
      const { box } = lesion;
      root.hidden = !box;
      if (!box) return;
      root.setAttribute("aria-label", `Size of the box of ${lesion.name}`);
      const order = own(box);
      fields.forEach((field, axis) => {
        field.disabled = lesion.locked;
        field.setAttribute("aria-label", `Box of ${lesion.name}, ${NAMES[axis].join(" to ")}, mm`);
        if (document.activeElement !== field) field.value = String(Number(box.size[order[axis]].toFixed(1)));
      });
      here.disabled = lesion.locked;
      here.setAttribute("aria-label", `Bring the box of ${lesion.name} to the crosshair`);
    },
  };
}

/** @param {import("../types").Box} box @returns {number[]} for R, A, S which of the box's axes is nearest to it */
function own(box) {
  const left = [0, 1, 2];
  return [0, 1, 2].map((axis) => {
    left.sort((a, b) => Math.abs(box.axes[b][axis]) - Math.abs(box.axes[a][axis]));
    return /** @type {number} */ (left.shift());
  });
}
