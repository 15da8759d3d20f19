import { button, h, say } from "../dom.js";

/**
 * @param {string} test @param {string} title @param {...Node} content
 * @returns {HTMLDialogElement}
 */
export function dialog(test, title, ...content) {
  const close = button("close", "Close", { "data-test": `${test}-close`, onclick: () => made.close() });
  const heading = h("h1", { id: `${test}-title` }, title);
  const made = h(
    "dialog",
    { "data-test": test, "aria-labelledby": `${test}-title` },
    h("div", { class: "head" }, heading, close),
    ...content,
  );
  document.body.append(made);
  return made;
}

/** @param {string} title @param {string} words @param {string} yes @returns {Promise<boolean>} */
export function question(title, words, yes) {
  return new Promise((done) => {
    const made = h(
      "dialog",
      { class: "question", "data-test": "question", "aria-labelledby": "question-title", "aria-describedby": "question-words" },
      h("h1", { id: "question-title" }, title),
      h("p", { id: "question-words" }, words),
      h(
        "form",
        { method: "dialog", class: "row" },
        h("button", { value: "", "data-test": "question-no", autofocus: true }, "Stay here"),
        h("button", { value: "yes", class: "danger", "data-test": "question-yes" }, yes),
      ),
    );
    made.addEventListener("close", () => {
      made.remove();
      done(made.returnValue === "yes");
    });
    document.body.append(made);
    made.showModal();
  });
}

/** @param {string[][]} rows */
export function table(rows) {
  return h(
    "table",
    {},
    h("tbody", {}, ...rows.map(([what, does]) => h("tr", {}, h("th", { scope: "row" }, what), h("td", {}, does)))),
  );
}

/**
 * Without a secure connection browsers keep the clipboard shut; a selection can be copied there all
 * the same.
 * @param {string} text @param {HTMLElement} opener
 */
export async function copyText(text, opener) {
  const word = /** @type {Element} */ (opener.querySelector(".word"));
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", {});
    area.value = text;
    opener.parentElement?.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  say(word, done ? "Copied" : "Select and copy by hand");
  setTimeout(() => say(word, "Copy report"), 2000);
}
