import { h, say } from "../dom.js";
import { Row } from "./row.js";

/**
 * The list of lesions. Rows are kept and changed in place, so that nothing loses the focus.
 * @param {HTMLElement} root
 * @param {import("../bench.js").Bench} bench
 * @param {import("./dialogs.js").Dialogs} dialogs
 */
export function buildList(root, bench, dialogs) {
  const { store } = bench;
  const count = h("span", { class: "count", "data-test": "count" });
  const plane = h("select", { "data-test": "diameter-plane", "aria-label": "Plane of the diameters" });
  plane.addEventListener("change", () => bench.ask("diameterPlane", plane.value));
  const hint = h("p", { class: "hint", "data-test": "lesions-hint" });
  const list = h("div", { class: "list", "data-test": "lesions", role: "list", "aria-label": "Lesions" });
  const device = h(
    "button",
    { type: "button", class: "link", onclick: () => dialogs.settings() },
    "Research use, not for clinical decisions",
  );
  root.append(
    h(
      "section",
      { class: "lesions", "aria-label": "Lesions" },
      h(
        "div",
        { class: "heading" },
        h("h2", {}, "Lesions ", count),
        h(
          "label",
          { class: "plane", title: "Plane in which diameters are taken. Automatic: axial on CT, else as acquired" },
          "Diameters ",
          plane,
        ),
      ),
      hint,
      list,
    ),
    h("footer", { "data-test": "footer" }, device),
  );
  /** @type {Map<string, Row>} */
  const rows = new Map();
  store.watch(["lesions", "selected", "image", "kinds", "busy", "useThreshold", "automatic"], () => {
    const { lesions, image, automatic } = store.state;
    say(count, lesions.length ? String(lesions.length) : "");
    hint.hidden = lesions.length > 0;
    say(hint, beginning(image, automatic));
    for (const [id, row] of rows) {
      if (lesions.some((each) => each.id === id)) continue;
      row.root.remove();
      rows.delete(id);
    }
    lesions.forEach((lesion, n) => {
      let row = rows.get(lesion.id);
      if (!row) {
        row = new Row(bench, lesion.id);
        rows.set(lesion.id, row);
      }
      if (list.children[n] !== row.root) list.insertBefore(row.root, list.children[n] ?? null);
      row.show(lesion);
    });
    const chosen = rows.get(store.state.selected);
    // The selected one stays in sight, unless somebody is looking through the list just now.
    const other = store.state.selected !== list.dataset.selected;
    if (chosen && (other || !list.matches(":hover, :focus-within"))) {
      // The list alone is scrolled: the buttons above it must not jump.
      const [shown, row] = [list.getBoundingClientRect(), chosen.root.getBoundingClientRect()];
      if (row.top < shown.top) list.scrollTop -= shown.top - row.top;
      else if (row.bottom > shown.bottom) list.scrollTop += Math.min(row.bottom - shown.bottom, row.top - shown.top);
    }
    list.dataset.selected = store.state.selected;
  });
  store.watch(["planes", "diameterPlane"], () => {
    const { planes, diameterPlane } = store.state;
    if (plane.options.length !== planes.length)
      plane.replaceChildren(...planes.map((each) => h("option", { value: each.word }, each.name)));
    plane.value = diameterPlane ?? "";
  });
}

/**
 * How the first lesion is made.
 * @param {import("../types").Image | null} image @param {import("../types").State["automatic"]} automatic
 */
function beginning(image, automatic) {
  if (!image) return "Open an image, or take a sample.";
  if (automatic?.only) return "Lesions can be drawn by hand with D.";
  return "Press B and drag a box round a lesion: its sides should touch it. Or draw its long diameter with R.";
}
