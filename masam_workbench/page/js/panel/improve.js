// Improve the model with my cases: progress, old against new, and a yes that is waited for.

import { button, h, say } from "../dom.js";
import { dialog } from "./window.js";

/**
 * @param {import("../bench.js").Bench} bench
 * @returns {() => void} opens the window
 */
export function improveWindow(bench) {
  const all = h("input", { type: "checkbox", "data-test": "improve-all" });
  const words = h("p", { class: "verdict", "data-test": "improve-words", role: "status" });
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Training", hidden: true });
  const table = h("table", { "data-test": "improve-table", hidden: true });
  const notes = h("ul", { "data-test": "improve-notes" });
  const start = button("again", "Start", {
    class: "strong",
    "data-test": "improve-start",
    onclick: () => bench.ask("improve", all.checked),
  });
  const take = button("check", "Take the new model", {
    "data-test": "improve-take",
    hidden: true,
    onclick: () => bench.ask("takeModel"),
  });
  const made = dialog(
    "improve-window",
    "Improve the model with my cases",
    h(
      "p",
      {},
      "What you corrected, confirmed or locked in this image, and in those that you took for this before, trains the model on this machine. Nothing leaves it. A share of the cases is held back to compare old and new; the new model is taken only after you have seen that.",
    ),
    h("label", { class: "line" }, all, "Take lesions that nobody has put right, too"),
    words,
    bar,
    table,
    notes,
    h("div", { class: "row" }, start, take),
  );
  made.addEventListener("close", () => {
    if (bench.store.state.improve?.open) bench.ask("improveClosed");
  });
  bench.store.watch(["improve"], () => {
    const now = bench.store.state.improve ?? {};
    say(words, now.words ?? "");
    words.className = `verdict ${now.failed ? "error" : ""}`;
    bar.hidden = !now.running;
    bar.value = now.percent ?? 0;
    start.lastChild?.replaceWith(now.running ? "Cancel" : "Start");
    all.disabled = Boolean(now.running);
    take.hidden = !now.waiting;
    table.hidden = !now.rows?.length;
    table.replaceChildren(
      h("thead", {}, h("tr", {}, ...(now.columns ?? []).map((/** @type {string} */ each) => h("th", {}, each)))),
      h(
        "tbody",
        {},
        ...(now.rows ?? []).map((/** @type {string[]} */ row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))),
      ),
    );
    notes.replaceChildren(...[...(now.about ?? []), ...(now.notes ?? [])].map((/** @type {string} */ each) => h("li", {}, each)));
  });
  return () => made.showModal();
}
