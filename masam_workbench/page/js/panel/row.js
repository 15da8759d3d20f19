import { h, icon, say } from "../dom.js";
import { keyed, label, list } from "./place.js";
import { sizeFields } from "./size.js";

/** @typedef {import("../types").Lesion} Lesion */

/** @type {Record<string, string>} */
const KIND_WORDS = {
  point: "Click",
  scribble: "Scribble",
  lasso: "Lasso",
  line: "Line",
  slicebox: "2D box",
  box: "Box",
  across: "Across",
};

const UNSIGNED = ["line", "across", "slicebox", "box"]; // first prompts, which always belong

/**
 * A lesion in the list.
 */
export class Row {
  /** @param {import("../bench.js").Bench} bench @param {string} id */
  constructor(bench, id) {
    this.bench = bench;
    this.id = id;
    this._name = "";
    const ask = (/** @type {string} */ name, /** @type {any[]} */ ...values) => bench.ask(name, id, ...values);
    this.color = h("input", { type: "color" });
    this.color.addEventListener("change", () => ask("recolor", this.color.value));
    this.name = h("input", { class: "name", "data-test": "name", maxlength: 80, spellcheck: "false" });
    this.name.addEventListener("blur", () => this._rename());
    this.name.addEventListener("keydown", (event) => this._nameKey(event));
    this.state = h("div", { class: "state", "data-test": "state" });
    this.visible = this._icon("visible", () => ask("visible"));
    this.lock = this._icon("lock", () => ask("lock"));
    this.again = this._icon("again", () => ask("again"));
    this.remove = this._icon("delete", () => ask("delete"));
    this.again.append(icon("again"));
    this.remove.append(icon("bin"));
    this.volume = h("b", { "data-test": "volume" });
    this.diameter = h("b", { "data-test": "diameter" });
    this.plane = h("span", { "data-test": "plane" });
    this.confidence = h("b", { "data-test": "confidence" });
    this.sure = h("span", { title: "The Dice that is expected" }, "confidence ", this.confidence);
    this.others = h("span", { class: "others", "data-test": "others" });
    this.slices = h("span", { "data-test": "slices" });
    this.figures = h(
      "div",
      { class: "figures", "data-test": "figures" },
      h("span", {}, this.volume, " ml"),
      h("span", {}, this.diameter, " mm ", this.plane),
      this.others,
      this.slices,
      this.sure,
    );
    this.notes = h("ul", { class: "notes" });
    this.kind = h("select", { class: "kind", "data-test": "kind" });
    this.kind.addEventListener("change", () => ask("kind", this.kind.value));
    this.confirm = h(
      "button",
      {
        type: "button",
        class: "small",
        "data-test": "confirm",
        title: "This mask is right: keep it so, and learn from it",
        onclick: () => ask("confirm", !bench.store.lesion(id)?.corrected),
      },
      icon("check"),
      h("span", {}, "Confirm"),
    );
    this.sides = h("div", { class: "sides" });
    this.prompts = h("div", { class: "prompts", role: "group" });
    this.size = sizeFields(bench, id);
    this.more = h("div", { class: "more" }, this.prompts, this.size.root, h("div", { class: "row" }, this.kind, this.confirm));
    this.root = h(
      "div",
      { class: "lesion", "data-test": "lesion", role: "listitem", tabindex: 0, "data-id": id },
      h("div", { class: "first" }, this.color, this.name, this.visible, this.lock, this.again, this.remove),
      this.state,
      this.figures,
      this.sides,
      this.notes,
      this.more,
    );
    this.root.addEventListener("click", (event) => {
      if (!(/** @type {Element} */ (event.target).closest("button, select, input[type=color], input[type=number]")))
        this._select();
    });
    this.root.addEventListener("dblclick", () => bench.goTo(id));
    this.root.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target !== this.root) return;
      this._select();
    });
  }

  _select() {
    if (this.bench.store.state.selected !== this.id) this.bench.ask("select", this.id).then(() => this.bench.goTo(this.id));
  }

  /** @param {string} test @param {() => void} action */
  _icon(test, action) {
    return h("button", { type: "button", class: "small only", "data-test": test, onclick: action });
  }

  _rename() {
    const typed = this.name.value.trim();
    if (typed && typed !== this._name) this.bench.ask("rename", this.id, typed);
    else this.name.value = this._name;
  }

  /** @param {KeyboardEvent} event */
  _nameKey(event) {
    event.stopPropagation();
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    if (event.key === "Escape") this.name.value = this._name;
    this.name.blur();
  }

  /** @param {Lesion} lesion */
  show(lesion) {
    const { bench } = this;
    const { state } = bench.store;
    const { name } = lesion;
    const selected = state.selected === lesion.id;
    this.root.classList.toggle("selected", selected);
    this.root.classList.toggle("faint", !lesion.visible);
    this.root.setAttribute("aria-current", String(selected));
    label(this.root, `${name}${selected ? ", selected" : ""}`);
    this.color.value = lesion.color;
    label(this.color, `Colour of ${name}`);
    if (document.activeElement !== this.name || this.name.value === this._name) this.name.value = name;
    this._name = name;
    label(this.name, `Name of ${name}`);
    say(this.state, lesion.state);
    this.state.classList.toggle("warn", lesion.notes.length > 0);
    this._toggle(this.visible, lesion.visible ? "eye" : "shut", `${lesion.visible ? "Hide" : "Show"} ${name}`, !lesion.visible);
    this._toggle(
      this.lock,
      lesion.locked ? "lock" : "open",
      lesion.locked ? `Unlock ${name}` : `Lock ${name}: no result replaces it`,
      lesion.locked,
    );
    this.lock.disabled = !lesion.mask;
    this.again.disabled = Boolean(state.busy) || lesion.locked;
    label(this.again, `Segment ${name} again`);
    label(this.remove, `Delete ${name}`);
    this._figures(lesion);
    this._sides(lesion);
    list(this.notes, notesOf(lesion));
    this.more.hidden = !selected;
    if (selected) this._more(lesion);
  }

  /** @param {Lesion} lesion */
  _figures({ figures, more, confidence, mask, slices, name }) {
    this.figures.hidden = !mask;
    say(this.volume, figures.volume || "–");
    say(this.diameter, (figures.diameter || "–") + (figures.perpendicular ? ` × ${figures.perpendicular}` : ""));
    say(this.plane, figures.plane || "");
    const unit = this.bench.store.state.image?.unit ?? "";
    const mean = {
      title: "mean",
      about: "Mean and standard deviation of the image's values in the mask",
      text: figures.mean ? [figures.mean, figures.sd ? `± ${figures.sd}` : "", unit].filter(Boolean).join(" ") : "",
    };
    const others = [mean, ...(more ?? [])].filter((each) => each.text);
    keyed(
      this.others,
      others.map((each) => each.title + each.text),
      (n) => h("span", { title: others[n].about }, `${others[n].title} `, h("b", {}, others[n].text)),
    );
    say(this.slices, slices ? `slices ${slices}` : "");
    this.sure.hidden = !confidence;
    say(this.confidence, confidence || "");
    label(this.figures, `Measurements of ${name}`);
    this.figures.setAttribute("role", "group");
  }

  /** @param {Lesion} lesion */
  _sides(lesion) {
    const { bench } = this;
    keyed(
      this.sides,
      lesion.extendable.map((each) => each.side + each.words),
      (n) => {
        const { side, words } = lesion.extendable[n];
        return h(
          "button",
          {
            type: "button",
            class: "small extend",
            "data-test": "extend",
            "aria-label": `Extend ${lesion.name} at its ${side} side: it ${words}`,
            onclick: () => bench.ask("extend", lesion.id, side),
          },
          icon("extend"),
          h("span", {}, `Extend (${words})`),
        );
      },
    );
  }

  /** @param {Lesion} lesion */
  _more(lesion) {
    const { bench } = this;
    this.size.show(lesion);
    this.prompts.hidden = !lesion.prompts.length;
    label(this.prompts, `Prompts of ${lesion.name}`);
    keyed(
      this.prompts,
      lesion.prompts.map((each) => `${each.id} ${each.positive}`),
      (n) => {
        const prompt = lesion.prompts[n];
        const word = KIND_WORDS[prompt.kind] ?? prompt.name ?? prompt.kind;
        const kind = `${word}${UNSIGNED.includes(prompt.kind) ? "" : prompt.positive ? " +" : " −"}`;
        return h(
          "span",
          { class: `prompt ${prompt.positive ? "plus" : "minus"}` },
          h(
            "button",
            {
              type: "button",
              class: "link",
              "data-test": "prompt",
              "aria-label": `Show ${kind} of ${lesion.name}`,
              onclick: () => this._show(prompt.id),
            },
            kind,
          ),
          h(
            "button",
            {
              type: "button",
              class: "small only",
              "data-test": "delete-prompt",
              "aria-label": `Delete ${kind} of ${lesion.name}`,
              title: "Delete this prompt; the mask follows",
              onclick: () => bench.ask("deletePrompt", lesion.id, prompt.id),
            },
            icon("close"),
          ),
        );
      },
    );
    const { kinds } = bench.store.state;
    if (this.kind.options.length !== kinds.length)
      this.kind.replaceChildren(...kinds.map((each) => h("option", { value: each.key }, each.name)));
    this.kind.value = lesion.kind;
    label(this.kind, `What ${lesion.name} is`);
    this.confirm.disabled = !lesion.mask;
    this.confirm.setAttribute("aria-pressed", String(lesion.corrected));
    label(this.confirm, lesion.corrected ? `${lesion.name} is confirmed` : `Confirm ${lesion.name}: this mask is right`);
  }

  /** @param {string} id of a prompt */
  _show(id) {
    const prompt = this.bench.store.lesion(this.id)?.prompts.find((each) => each.id === id);
    if (!prompt?.points.length) return;
    this.bench.viewer.goTo(prompt.points[Math.floor(prompt.points.length / 2)]);
    this.bench.pickPrompt(id);
  }

  /** @param {HTMLElement} element @param {string} picture @param {string} words @param {boolean} on */
  _toggle(element, picture, words, on) {
    if (element.dataset.icon !== picture) element.replaceChildren(icon(picture));
    element.dataset.icon = picture;
    element.classList.toggle("on", on);
    label(element, words);
  }
}

/** @param {Lesion} lesion @returns {string[]} */
function notesOf({ notes }) {
  const all = Array.isArray(notes) ? notes : String(notes ?? "").split("\n");
  return all.filter(Boolean);
}
