import { button, h, say } from "../dom.js";
import { TOOLS } from "../tools/tools.js";
import { improveWindow } from "./improve.js";
import { copyText, dialog, question, table } from "./window.js";

const MOUSE = [
  ["Left button", "crosshair; handles of the selected box, prompts and rulers are dragged"],
  ["Right button", "window (sideways) and level (up and down)"],
  ["Middle button, or Shift", "move the picture; with Shift on a side, the whole box"],
  ["Wheel", "slices; with Ctrl zoom"],
  ["Double click", "a view alone, and all of them again"],
  ["In the 3D view", "drag turns, the wheel zooms"],
];

const KEYS = [
  ["Ctrl+Enter", "Segment, or cancel"],
  ["[  and  ]", "lower and upper end of the box here"],
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
  ["Ctrl+S", "save masks for 3D Slicer"],
  ["E", "next lesion"],
  ["Delete", "remove the prompt, ruler or lesion that is selected"],
  ["Arrows, Page", "crosshair in the view that is framed, with Shift ten at a time; they turn the 3D view"],
  ["Ctrl+arrows", "move the selected box"],
  ["Enter", "with a tool: at the crosshair. A box takes two corners. Without: view alone"],
  ["+  −", "zoom at the crosshair"],
  ["1 to 9", "window presets"],
  [",  and  .", "previous and next frame of a sequence"],
  ["A", "show all of every view"],
  ["Y", "layout; with a next study, both side by side"],
  ["V  G  C  H", "masks, boxes, crosshair, patient's name"],
  ["I", "save a picture"],
  ["Esc", "put the tool away, stop"],
];

/**
 * Windows over the page.
 */
export class Dialogs {
  /** @param {import("../bench.js").Bench} bench */
  constructor(bench) {
    this.bench = bench;
    this._help = dialog(
      "help-window",
      "Mouse and keys",
      h(
        "div",
        { class: "sheets" },
        h(
          "div",
          {},
          h("h2", {}, "Mouse"),
          table(MOUSE),
          h("h2", {}, "Tools"),
          table(Object.values(TOOLS).map((tool) => [tool.key, tool.about])),
        ),
        h("div", {}, h("h2", {}, "Keys"), table(KEYS)),
      ),
    );
    this._improve = improveWindow(bench);
    this._settings = this._buildSettings();
    this._series = this._buildSeries();
    this._check = this._buildCheck();
  }

  help() {
    this._help.showModal();
  }

  settings() {
    this._settings.showModal();
  }

  /**
   * Ask whether work that is not saved may go.
   * @returns {Promise<boolean>}
   */
  mayLeave() {
    const { state } = this.bench.store;
    if (!state.image || state.saved !== false) return Promise.resolve(true);
    const masks = state.lesions.filter((each) => each.mask).length;
    const boxes = state.lesions.length - masks;
    const what = [
      masks ? `${masks} ${masks === 1 ? "mask" : "masks"}` : "",
      boxes ? `${boxes} ${boxes === 1 ? "box" : "boxes"} without a mask` : "",
    ]
      .filter(Boolean)
      .join(" and ");
    return question(
      "Open another image?",
      `${what ? `${what[0].toUpperCase()}${what.slice(1)} of '${state.image.name}' ` : `Changes of '${state.image.name}' `}have not been saved, and will be gone.`,
      "Open without saving",
    );
  }

  _buildSettings() {
    const { bench } = this;
    const { store } = bench;
    const model = h("select", { "data-test": "model" });
    model.addEventListener("change", () => bench.ask("model", model.value));
    const device = h("p", { "data-test": "device" });
    const smooth = h("input", { type: "checkbox", checked: true, "data-test": "smooth" });
    smooth.addEventListener("change", () => {
      bench.viewer.slices.setInterpolation(!smooth.checked);
      bench.viewer.change();
    });
    const made = dialog(
      "settings-window",
      "Settings",
      h("label", { class: "line" }, "Model", model),
      device,
      h("label", { class: "line" }, smooth, "Smooth the picture between voxels"),
      h(
        "div",
        { class: "row" },
        button("check", "Check this installation", {
          "data-test": "check",
          title: "Tries PyTorch, the worker, the model, the GPU and a mask on the bundled sample; your image is not touched",
          onclick: () => {
            made.close();
            bench.ask("check");
          },
        }),
        button("again", "Improve the model with my cases ...", {
          "data-test": "improve",
          title: "Trains it on what you have corrected, on this machine; nothing leaves it",
          onclick: () => {
            made.close();
            this._improve();
          },
        }),
      ),
      h("p", { class: "research" }, "Research use, not for clinical decisions."),
    );
    store.watch(["models", "model", "device"], () => {
      const models = (store.state.models ?? []).map((each) => (typeof each === "string" ? { name: each, words: each } : each));
      model.replaceChildren(...models.map((each) => h("option", { value: each.name }, each.words || each.name)));
      model.value = store.state.model ?? "";
      /** @type {HTMLElement} */ (model.parentElement).hidden = !models.length;
      say(device, store.state.device ?? "");
    });
    return made;
  }

  _buildSeries() {
    const { bench } = this;
    const many = h("div", { class: "many" });
    const count = h("p");
    const made = dialog("series", "Which series?", count, many);
    made.addEventListener("close", () => {
      if (bench.store.state.series.length) bench.ask("chooseSeries", "");
    });
    bench.store.watch(["series"], () => {
      const { series } = bench.store.state;
      say(count, `There are ${series.length}; one is opened at a time.`);
      many.replaceChildren(
        ...series.map((each) =>
          h(
            "button",
            { type: "button", "data-test": "one-series", onclick: () => bench.ask("chooseSeries", each.uid) },
            each.words,
          ),
        ),
      );
      if (series.length && !made.open) made.showModal();
      if (!series.length && made.open) made.close();
    });
    return made;
  }

  _buildCheck() {
    const { bench } = this;
    const verdict = h("p", { class: "verdict", "data-test": "check-verdict", role: "status" });
    const bar = h("progress", { max: 100, value: 0, "aria-label": "Check" });
    const report = h("pre", { "data-test": "check-report", tabindex: 0, "aria-label": "Report" });
    const copy = button("file", "Copy report", {
      "data-test": "check-copy",
      title: "To send it with a question; it names neither you nor a patient",
      onclick: () => copyText(report.textContent ?? "", copy),
    });
    const again = button("again", "Check again", { "data-test": "check-again", onclick: () => bench.ask("check") });
    const made = dialog(
      "check-window",
      "Check of this installation",
      verdict,
      bar,
      report,
      h("div", { class: "row" }, copy, again),
    );
    made.addEventListener("close", () => {
      if (bench.store.state.check?.verdict) bench.ask("checked");
    });
    bench.store.watch(["check"], () => {
      const { check } = bench.store.state;
      say(verdict, check?.verdict ?? "");
      verdict.className = `verdict ${check?.state === "problem" ? "error" : check?.state === "note" ? "warning" : ""}`;
      bar.hidden = Boolean(check?.text);
      bar.value = check?.percent ?? 0;
      report.hidden = again.hidden = copy.hidden = !check?.text;
      say(report, check?.text ?? "");
      if (check?.verdict && !made.open) made.showModal();
      if (!check?.verdict && made.open) made.close();
    });
    return made;
  }
}
