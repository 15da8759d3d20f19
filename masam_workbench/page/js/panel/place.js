import { h } from "../dom.js";

/** @param {Element} element @param {string} words */
export function label(element, words) {
  if (element.getAttribute("aria-label") === words) return;
  element.setAttribute("aria-label", words);
  if (element.tagName === "BUTTON") element.setAttribute("title", words);
}

/** @param {HTMLElement} place @param {string[]} words */
export function list(place, words) {
  place.hidden = !words.length;
  keyed(place, words, (n) => h("li", {}, words[n]));
}

/**
 * Make children anew where their keys have changed, and only then.
 * @param {HTMLElement} place @param {string[]} keys @param {(n: number) => HTMLElement} make
 */
export function keyed(place, keys, make) {
  const key = JSON.stringify(keys);
  if (place.dataset.keys === key) return;
  place.dataset.keys = key;
  place.replaceChildren(...keys.map((_, n) => make(n)));
}
