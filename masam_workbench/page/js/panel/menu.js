import { button, h } from "../dom.js";

let number = 0;

/**
 * A button that opens a sheet below it; Esc or a click elsewhere closes that.
 * @param {string} picture @param {string} word
 * @param {Record<string, any>} about of the button
 * @param {...(Node | null)} content
 */
export function menu(picture, word, about, ...content) {
  number += 1;
  const id = `menu${number}`;
  const sheet = h(
    "div",
    { popover: "auto", id, class: "sheet", role: "group", "aria-label": about["aria-label"] ?? word },
    ...content,
  );
  const opener = button(picture, word, { popovertarget: id, "aria-haspopup": "true", ...about });
  opener.classList.add("opens");
  sheet.addEventListener("beforetoggle", () => {
    const place = opener.getBoundingClientRect();
    const right = place.left + 320 > window.innerWidth;
    Object.assign(sheet.style, {
      top: `${place.bottom + 4}px`,
      left: right ? "auto" : `${place.left}px`,
      right: right ? `${Math.max(window.innerWidth - place.right, 4)}px` : "auto",
    });
  });
  sheet.addEventListener("toggle", (event) => {
    const open = /** @type {ToggleEvent} */ (event).newState === "open";
    opener.setAttribute("aria-expanded", String(open));
    if (open) /** @type {HTMLElement | null} */ (sheet.querySelector("button, input, select"))?.focus();
  });
  return { opener, sheet, close: () => sheet.hidePopover() };
}

/**
 * A line of a menu.
 * @param {string} picture @param {string} word @param {string} about @param {Record<string, any>} attributes
 */
export function item(picture, word, about, attributes) {
  const made = button(picture, word, { class: "item", ...attributes });
  if (about) made.append(h("span", { class: "about" }, about));
  made.addEventListener("click", () => /** @type {any} */ (made.closest("[popover]"))?.hidePopover());
  return made;
}
