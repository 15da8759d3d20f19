import { button, h, say } from "../dom.js";
import { plot } from "./course.js";
import { item, menu } from "./menu.js";

/** @typedef {import("../bench.js").Bench} Bench */
/** @typedef {import("../beside.js").Beside} Beside */

/**
 * Below the views: proposals for the later study, what became of each lesion, and the table.
 * @param {HTMLElement} root @param {Bench} bench @param {Beside} beside
 */
export function buildFollowUp(root, bench, beside) {
  const { store } = bench;
  root.setAttribute("data-test", "followup");
  const look = button("again", "Look for lesions", {
    "data-test": "follow-look",
    title: "Lays the studies over each other, and looks for the earlier lesions that are not carried over yet",
    onclick: () => bench.ask("followLook"),
  });
  const all = button("check", "Take all that are good", {
    "data-test": "follow-all",
    onclick: () => bench.ask("followTake", sure(store.state.followup).map((each) => each.id)),
  });
  const archive = item("save", "Table and masks", "Table, report with plot, and the masks of both studies, in one archive", {
    "data-test": "follow-save",
    onclick: () => bench.ask("followSave"),
  });
  const dicom = item("save", "DICOM", "Masks and report of the later study, and a report on both, in one archive", {
    "data-test": "follow-dicom",
    onclick: () => bench.ask("followDicom", false),
  });
  const toPacs = item("slab", "To the PACS", "The same DICOM files, into the patient's study", {
    "data-test": "follow-pacs",
    onclick: () => bench.ask("followDicom", true),
  });
  const save = menu("save", "Save follow-up", { "data-test": "follow-saves" }, archive, dicom, toPacs);
  const stop = button("close", "Cancel", { "data-test": "follow-stop", onclick: () => bench.ask("followDicom", false) });
  const written = h("progress", { max: 100, value: 0, "aria-label": "Writing the follow-up as DICOM" });
  const step = h("span", { class: "status", role: "status", "data-test": "follow-writing" });
  const writing = h("div", { class: "row" }, written, stop, step);
  const dates = ["Earlier", "Later"].map((word, n) => {
    const field = h("input", { type: "date", "data-test": `date-${word.toLowerCase()}`, "aria-label": `${word} study's date` });
    field.addEventListener("change", () => bench.ask("followDate", n === 1, field.value));
    return field;
  });
  const words = h("span", { class: "status", role: "status", "data-test": "follow-words" });
  const bar = h("progress", { max: 100, value: 0, "aria-label": "Looking for the lesions" });
  const proposals = h("div", { class: "proposals", role: "list", "aria-label": "Proposals", "data-test": "proposals" });
  const became = h("div", { class: "became", "data-test": "became" });
  const answer = h("p", { class: "verdict", "data-test": "response" });
  const responses = h("table", { "data-test": "responses" });
  const lesions = h("table", { "data-test": "follow-table" });
  const picture = h("div", { class: "course", "data-test": "course" });
  const notes = h("ul", { class: "fine" });
  root.append(
    h(
      "div",
      { class: "row head" },
      h("h2", {}, "Follow-up"),
      h("label", {}, "Earlier ", dates[0]),
      h("label", {}, "Later ", dates[1]),
      look,
      all,
      save.opener,
      save.sheet,
      writing,
      bar,
      words,
    ),
    h(
      "div",
      { class: "columns" },
      h("div", { class: "answers" }, proposals, became, picture),
      h(
        "div",
        { class: "found", tabindex: 0, role: "region", "aria-label": "Table of both studies" },
        answer,
        responses,
        lesions,
        notes,
      ),
    ),
  );
  store.watch(["followup", "course", "pacs", "lesions"], () => {
    const { course, pacs, lesions: rows } = store.state;
    writing.hidden = !course?.writing;
    written.value = course?.percent ?? 0;
    say(step, course?.writing ? `DICOM: ${course.words}` : "");
    dicom.hidden = toPacs.hidden = !course?.there;
    toPacs.hidden ||= !pacs?.there;
    dicom.disabled = toPacs.disabled = Boolean(course?.writing) || !rows.some((each) => each.mask);
    toPacs.disabled ||= Boolean(pacs?.doing);
  });
  store.watch(["followup"], () => {
    const now = store.state.followup ?? {};
    root.hidden = !now.became;
    if (root.hidden) return;
    const fresh = (/** @type {HTMLElement} */ place, /** @type {any} */ what) => {
      const key = JSON.stringify(what ?? null);
      if (place.dataset.key === key) return false;
      place.dataset.key = key;
      return true;
    };
    say(/** @type {Element} */ (look.querySelector(".word")), now.running ? "Cancel" : "Look for lesions");
    bar.hidden = !now.running;
    bar.value = now.percent ?? 0;
    say(words, now.words ?? "");
    words.classList.toggle("error", Boolean(now.failed));
    all.hidden = sure(now).length < 2;
    save.opener.disabled = !now.lesions;
    dates.forEach((field, n) => {
      if (document.activeElement !== field) field.value = now.dates?.[n] ?? "";
    });
    if (fresh(proposals, now.proposals)) proposals.replaceChildren(...now.proposals.map((/** @type {any} */ p) => row(bench, beside, p)));
    const left = now.became.filter((/** @type {any} */ b) => !now.proposals.some((/** @type {any} */ p) => p.id === b.id && p.box));
    if (fresh(became, left)) became.replaceChildren(...left.map((/** @type {any} */ each) => fate(bench, each)));
    if (fresh(responses, now.responses)) fill(responses, withoutWhy(now.responses), "RECIST 1.1");
    if (fresh(lesions, now.lesions)) fill(lesions, now.lesions, "Lesions");
    const last = now.responses?.rows.at(-1);
    say(answer, last ? `${last.at(-2)}: ${last.at(-1)}` : "The table appears as soon as there are masks.");
    if (fresh(picture, [now.plot, now.dates])) picture.replaceChildren(...(now.plot?.length ? [plot(now.plot, now.dates)] : []));
    if (fresh(notes, now.notes)) notes.replaceChildren(...(now.notes ?? []).map((/** @type {string} */ each) => h("li", {}, each)));
  });
}

/** @param {any} followup @returns {{id: string}[]} proposals that are good */
function sure(followup) {
  return (followup?.proposals ?? []).filter((/** @type {any} */ each) => each.box && each.trust === "good");
}

/** A lesion that was found: look, yes or no. @param {Bench} bench @param {Beside} beside @param {any} proposal */
function row(bench, beside, proposal) {
  const { id, name, about, box, trust } = proposal;
  const act = (/** @type {string} */ picture, /** @type {string} */ word, /** @type {string} */ test, /** @type {() => void} */ does) =>
    button(picture, word, { class: "small", "data-test": test, "aria-label": `${word}: ${name}`, onclick: does });
  return h(
    "div",
    { class: `proposal ${trust}`, role: "listitem", "data-test": "proposal" },
    h("span", { class: "name" }, name),
    h("span", { class: "about" }, about),
    box && act("eye", "Look", "follow-goto", () => beside.goTo(proposal)),
    box && act("check", "Take", "follow-take", () => bench.ask("followTake", [id])),
    act("close", box ? "Drop" : "Close", "follow-drop", () => bench.ask("followDrop", id)),
  );
}

/** What became of a lesion, said by a person. @param {Bench} bench @param {any} each */
function fate(bench, each) {
  const choice = h(
    "select",
    { "data-test": "became-choice", "aria-label": `What became of ${each.name}` },
    ...each.choices.map((/** @type {string[]} */ [value, word]) => h("option", { value, selected: value === each.value }, word)),
  );
  choice.addEventListener("change", () => bench.ask("followBecame", each.id, choice.value));
  const node = h("input", { type: "checkbox", checked: each.node, "data-test": "node", "aria-label": `${each.name} is a lymph node` });
  node.addEventListener("change", () => bench.ask("followNode", each.id, node.checked));
  return h(
    "div",
    { class: "fate" },
    h("span", { class: "name" }, each.name),
    choice,
    h("label", { title: "Lymph nodes count with their short axis (RECIST 1.1)" }, node, "Lymph node"),
  );
}

/** The rule stands above the table. @param {{columns: string[], rows: string[][]} | null} content */
function withoutWhy(content) {
  return content && { columns: content.columns.slice(0, -1), rows: content.rows.map((cells) => cells.slice(0, -1)) };
}

/** @param {HTMLTableElement} table @param {{columns: string[], rows: string[][]} | null} content @param {string} title */
function fill(table, content, title) {
  table.hidden = !content;
  if (!content) return;
  table.replaceChildren(
    h("caption", {}, title),
    h("thead", {}, h("tr", {}, ...content.columns.map((each) => h("th", { scope: "col" }, each)))),
    h("tbody", {}, ...content.rows.map((cells) => h("tr", {}, ...cells.map((cell) => h("td", {}, cell))))),
  );
}
