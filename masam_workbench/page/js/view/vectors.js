/** @typedef {import("../types").Vec3} Vec3 */

/** @param {Vec3} a @param {Vec3} b @returns {Vec3} */
export const add = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** @param {Vec3} a @param {Vec3} b @returns {Vec3} */
export const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** @param {Vec3} a @param {number} by @returns {Vec3} */
export const scale = (a, by) => [a[0] * by, a[1] * by, a[2] * by];

/** @param {Vec3} a @param {Vec3} b */
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** @param {Vec3} a */
export const length = (a) => Math.hypot(a[0], a[1], a[2]);

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * Inverse of a 3 x 3 matrix given by its rows.
 * @param {number[][]} m
 * @returns {number[][]}
 */
export function inverse(m) {
  const [[a, b, c], [d, e, f], [g, h, i]] = m;
  const A = e * i - f * h;
  const B = f * g - d * i;
  const C = d * h - e * g;
  const determinant = a * A + b * B + c * C;
  return [
    [A / determinant, (c * h - b * i) / determinant, (b * f - c * e) / determinant],
    [B / determinant, (a * i - c * g) / determinant, (c * d - a * f) / determinant],
    [C / determinant, (b * g - a * h) / determinant, (a * e - b * d) / determinant],
  ];
}

/**
 * @param {number[][]} m rows of a 3 x 3 matrix
 * @param {Vec3} v
 * @returns {Vec3}
 */
export const apply = (m, v) => [
  m[0][0] * v[0] + m[0][1] * v[1] + m[0][2] * v[2],
  m[1][0] * v[0] + m[1][1] * v[1] + m[1][2] * v[2],
  m[2][0] * v[0] + m[2][1] * v[1] + m[2][2] * v[2],
];
