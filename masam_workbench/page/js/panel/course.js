const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH] = [190, 130];
const [LEFT, RIGHT, TOP, BOTTOM] = [34, 12, 18, 20];

/** @typedef {{name: string, color: string, target: boolean, diameters: (number | null)[], volumes: (number | null)[]}} Course */

/**
 * Diameters with their sum, and volumes, from study to study.
 * @param {Course[]} courses @param {string[]} dates of the studies
 * @returns {SVGElement}
 */
export function plot(courses, dates) {
  const ends = dates.map((each, n) => each || (n ? "later" : "earlier"));
  const whole = make("svg", {
    viewBox: `0 0 ${2 * WIDE} ${HIGH}`,
    width: 2 * WIDE,
    height: HIGH,
    role: "img",
    "aria-label": `Diameters and volumes of ${courses.length - 1} lesions in both studies; the figures are in the table`,
  });
  whole.append(
    ...part(0, "Diameter, mm (white: sum)", courses.map((each) => ({ ...each, values: each.diameters })), ends),
    ...part(WIDE, "Volume, ml", courses.map((each) => ({ ...each, values: each.volumes })), ends),
  );
  return whole;
}

/** @param {number} from @param {string} title @param {(Course & {values: (number | null)[]})[]} courses @param {string[]} ends */
function part(from, title, courses, ends) {
  const known = courses.flatMap((each) => each.values).filter((each) => each !== null);
  const most = nice(Math.max(...known, 1e-3));
  const x = (/** @type {number} */ n) => from + LEFT + n * (WIDE - LEFT - RIGHT);
  const y = (/** @type {number} */ value) => TOP + (1 - value / most) * (HIGH - TOP - BOTTOM);
  const found = [
    text(from + 4, 11, title),
    text(from + LEFT - 4, y(most) + 4, String(most), "end"),
    text(from + LEFT - 4, y(0) + 4, "0", "end"),
    text(x(0), HIGH - 5, ends[0], "start"),
    text(x(1), HIGH - 5, ends[1], "end"),
  ];
  for (const value of [0, most]) found.push(make("line", { x1: x(0), x2: x(1), y1: y(value), y2: y(value), stroke: "#46515f" }));
  for (const { name, color, target, values } of courses) {
    const points = values.flatMap((value, n) => (value === null ? [] : [[x(n), y(value)]]));
    const look = { stroke: color || "#ffffff", "stroke-width": color ? 1.8 : 2.6, fill: "none" };
    if (points.length > 1)
      found.push(make("polyline", { ...look, points: points.join(" "), "stroke-dasharray": target ? "" : "4 3" }));
    for (const [cx, cy] of points) {
      const dot = make("circle", { cx, cy, r: 3, fill: color || "#ffffff" });
      const told = make("title", {});
      told.textContent = name;
      dot.append(told);
      found.push(dot);
    }
  }
  return found;
}

/** A round number that is not below one. @param {number} value */
function nice(value) {
  const ten = 10 ** Math.floor(Math.log10(value));
  return Number(([1, 2, 5, 10].map((each) => each * ten).find((each) => each >= value - 1e-9) ?? value).toPrecision(3));
}

/** @param {number} x @param {number} y @param {string} words @param {string} [anchor] */
function text(x, y, words, anchor = "start") {
  const made = make("text", { x, y, "text-anchor": anchor, "font-size": 10.5, fill: "#b6bfca" });
  made.textContent = words;
  return made;
}

/** @param {string} name @param {Record<string, any>} about @returns {SVGElement} */
function make(name, about) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(about)) if (value !== "") made.setAttribute(key, String(value));
  return /** @type {SVGElement} */ (made);
}
