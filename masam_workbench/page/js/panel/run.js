import { h, icon, say } from "../dom.js";

/** @typedef {import("../bench.js").Bench} Bench */

/** The large button. @param {Bench} bench @param {import("../files.js").Files} files */
export function segment(bench, files) {
  if (files.stop()) return;
  const { busy, loading, pending } = bench.store.state;
  if (busy || loading || pending) bench.ask("segment");
}

/**
 * The large button, and what there is to say.
 * @param {HTMLElement} root @param {Bench} bench @param {import("../files.js").Files} files
 */
export function buildRun(root, bench, files) {
  const { store } = bench;
  const word = h("span", { class: "word" });
  const key = h("kbd", { "aria-hidden": "true" }, "Ctrl+Enter");
  const large = h(
    "button",
    {
      type: "button",
      class: "segment",
      "data-test": "segment",
      "aria-keyshortcuts": "Control+Enter",
      onclick: () => segment(bench, files),
    },
    word,
    key,
  );
  const bar = h("div", { class: "bar-done" });
  const progress = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": "Segmenting", "aria-valuemin": 0, "aria-valuemax": 100 },
    bar,
  );
  const message = h("div", { class: "words", "data-test": "message", role: "status", tabindex: 0, "aria-label": "Message" });
  const follow = h("input", { type: "checkbox", "data-test": "follow" });
  follow.addEventListener("change", () => bench.ask("follow", follow.checked));
  const use = h("input", { type: "checkbox", "data-test": "use-threshold" });
  const slider = h("input", {
    type: "range",
    min: 5,
    max: 95,
    step: 1,
    "data-test": "threshold",
    "aria-label": "Threshold of the mask",
  });
  const value = h("output", { class: "number" });
  const ask = () => bench.ask("threshold", use.checked, Number(slider.value));
  use.addEventListener("change", ask);
  slider.addEventListener("change", ask);
  slider.addEventListener("input", () => say(value, (Number(slider.value) / 100).toFixed(2)));
  root.append(
    h(
      "section",
      { class: "run", "aria-label": "Segment" },
      large,
      progress,
      message,
      h(
        "div",
        { class: "row" },
        h("label", { title: "When a box was moved, its mask is computed again" }, follow, "Follow"),
        h("label", { title: "A mask is larger with a lower threshold. Without it the model's own is taken" }, use, "Threshold"),
        slider,
        value,
      ),
    ),
  );
  store.watch(["busy", "loading", "pending", "progress", "useThreshold", "threshold", "follow"], () => {
    const { busy, loading, pending, useThreshold, threshold, follow: follows } = store.state;
    const stops = busy || loading || files.sending;
    large.disabled = !stops && !pending;
    large.classList.toggle("cancel", Boolean(stops));
    say(word, stops ? "Cancel" : pending > 1 ? `Segment ${pending} lesions` : "Segment");
    large.title = stops ? "Stop; everything stays as it is" : "Outline what is in the boxes that are new or changed (Ctrl+Enter)";
    const done = busy ? Math.max(store.state.progress ?? 0, 2) : 0;
    bar.style.width = `${done}%`;
    progress.setAttribute("aria-valuenow", String(done));
    follow.checked = Boolean(follows);
    use.checked = Boolean(useThreshold);
    slider.disabled = !useThreshold;
    if (document.activeElement !== slider || slider.disabled) slider.value = String(threshold ?? 50);
    say(value, useThreshold ? (Number(slider.value) / 100).toFixed(2) : "model");
    /** @type {HTMLElement} */ (document.querySelector(".workbench")).dataset.busy = busy ? "yes" : "no";
  });
  const tell = () => {
    const { loading, message: said, messageKind, messages } = store.state;
    /** @type {[string, string][]} */
    const lines = [];
    if (files.sending) lines.push([`Sending ${files.sending} ...`, ""]);
    else if (loading) lines.push([`Reading ${loading} ...`, ""]);
    else if (bench.told.text) lines.push([bench.told.text, bench.told.kind]);
    else if (messages?.length) lines.push(...messages.map((each) => /** @type {[string, string]} */ ([each.text, each.kind])));
    else if (said) lines.push([said, messageKind]);
    const next = JSON.stringify(lines);
    if (message.dataset.lines === next) return;
    message.dataset.lines = next;
    message.replaceChildren(
      ...lines.map(([text, kind]) =>
        h(
          "p",
          { class: kind && kind !== "plain" ? kind : null },
          kind === "error" || kind === "warning" ? icon("warn") : null,
          text,
        ),
      ),
    );
    message.classList.toggle("error", lines[0]?.[1] === "error");
  };
  store.watch(["message", "messageKind", "messages", "loading"], tell);
  bench.onChange(tell);
}
