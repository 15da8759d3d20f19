/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [about] attributes; what begins with "on" is a listener, `class` and `data-` as in HTML
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, about = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(
    ...children
      .filter((child) => child !== null && child !== undefined && child !== false)
      .map((child) => /** @type {Node | string} */ (child)),
  );
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of strokes on a 16 x 16 grid.
 * @param {string} name one of ICONS
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 16 16");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  picture.append(path);
  return picture;
}

/** @type {Record<string, string>} */
const ICONS = {
  box: "M3 5 8 2.5 13 5v6L8 13.5 3 11zM3 5l5 2.5L13 5M8 7.5v6",
  line: "M3 13 13 3M2 11.5 4.5 14M11.5 2 14 4.5",
  click: "M8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM8 1.5v2.5M8 12v2.5M1.5 8H4M12 8h2.5",
  slicebox: "M2.5 4h11v8h-11z",
  point: "M8 3v10M3 8h10",
  notpoint: "M3 8h10",
  scribble: "M2 11c2-7 4-7 5-3s2 4 3 0 2-3 4-4",
  notscribble: "M2 11c2-7 4-7 5-3s2 4 3 0 2-3 4-4M10.5 13.5h4",
  lasso: "M8 3c3.5 0 6 1.5 6 3.5S11.5 10 8 10 2 8.5 2 6.5 4.5 3 8 3zM5 10c-1 1-.5 2 .5 2s1.5 1 .5 2",
  brush: "M13.5 2.5 7 9M7.5 9.5c0 3-2 4-5 4 1-1 1-1.5 1-2.5 0-2 1.5-3 3-2.5z",
  eraser: "M9 3 13.5 7.5 8 13H5L2.5 10.5zM5.5 6.5 10 11",
  back: "M10 3 5 8l5 5",
  forth: "M6 3l5 5-5 5",
  undo: "M3 6h7a3.5 3.5 0 0 1 0 7H6M3 6l3-3M3 6l3 3",
  redo: "M13 6H6a3.5 3.5 0 0 0 0 7h4M13 6l-3-3M13 6l-3 3",
  file: "M4 2h5l3 3v9H4zM9 2v3h3",
  folder: "M2 4h4l1.5 1.5H14V13H2z",
  save: "M3 3h8l2 2v8H3zM5.5 3v3.5h4.5V3M5.5 13V9.5h5V13",
  ruler: "M2 11 11 2l3 3-9 9zM5 8l1.5 1.5M7 6l1 1M9 4l1.5 1.5",
  cross: "M3 12 13 4M5 4l6 8",
  camera: "M2 5h3l1-1.5h4L11 5h3v8H2zM8 11a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  fit: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
  eye: "M1 8c2-3.4 4.3-5 7-5s5 1.6 7 5c-2 3.4-4.3 5-7 5s-5-1.6-7-5zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  shut: "M1 8c2-3.4 4.3-5 7-5s5 1.6 7 5c-2 3.4-4.3 5-7 5s-5-1.6-7-5zM2 14 14 2",
  lock: "M3 7h10v7H3zM5 7V5a3 3 0 0 1 6 0v2",
  open: "M3 7h10v7H3zM5 7V4.5a3 3 0 0 1 5.8-1",
  again: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3.2H9.8",
  bin: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5 5 13.5h6l.5-9",
  help: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.5v.5",
  gear: "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4",
  warn: "M8 2 14.5 13.5h-13zM8 6.5v3.5M8 11.8v.4",
  window: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
  one: "M2.5 3.5h11v9h-11z",
  four: "M2.5 3.5h11v9h-11zM8 3.5v9M2.5 8h11",
  two: "M2.5 3.5h11v9h-11zM8 3.5v9",
  link: "M6.5 9.5 9.5 6.5M7 4.5l1.5-1.5a2.6 2.6 0 0 1 4 4L11 8.5M9 11.5 7.5 13a2.6 2.6 0 0 1-4-4L5 7.5",
  side: "M2.5 3.5h11v9h-11zM9.5 3.5v9M9.5 6.5h4M9.5 9.5h4",
  mask: "M5 3c3-1.5 7 0 8 3s-1 7-5 7-6-2-6-5 1-4 3-5z",
  extend: "M2.5 3.5h11v9h-11zM8 5.5v5M5.5 8h5",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  slab: "M2 6l6-3 6 3-6 3zM2 8.5l6 3 6-3M2 11l6 3 6-3",
};

/**
 * A button with an icon and a word.
 * @param {string} picture
 * @param {string} word
 * @param {Record<string, any>} about
 * @param {string} [key] shown behind the word
 * @returns {HTMLButtonElement}
 */
export function button(picture, word, about, key = "") {
  return h(
    "button",
    { type: "button", ...about },
    picture ? icon(picture) : null,
    h("span", { class: "word" }, word),
    key ? h("kbd", { "aria-hidden": "true" }, key) : null,
  );
}

/**
 * Set an element's words where they have changed, so that nothing is read out again for nothing.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
