/**
 * Outlines of a slice of a mask, as closed lines half way between voxels inside and outside.
 *
 * Marching squares over the voxels' centres, with a rim of empty voxels round them; where two
 * diagonal voxels touch they are kept apart.
 * @param {(u: number, v: number) => boolean} inside
 * @param {number} width @param {number} height voxels from 0 on
 * @returns {[number, number][][]} closed lines, in voxels
 */
export function outlines(inside, width, height) {
  // A directed edge leads from one side of a square of four centres to another, the mask on its
  // left; each side is named by a number that both squares beside it agree upon.
  /** @type {Map<number, number[]>} */
  const next = new Map();
  const across = width + 1;
  const bottom = (/** @type {number} */ u, /** @type {number} */ v) => 2 * ((v + 1) * (across + 1) + u + 1);
  const left = (/** @type {number} */ u, /** @type {number} */ v) => bottom(u, v) + 1;
  const link = (/** @type {number} */ from, /** @type {number} */ to) => {
    const known = next.get(from);
    if (known) known.push(to);
    else next.set(from, [to]);
  };
  for (let v = -1; v < height; v += 1) {
    for (let u = -1; u < width; u += 1) {
      const at = (/** @type {number} */ x, /** @type {number} */ y) =>
        x >= 0 && y >= 0 && x < width && y < height && inside(x, y);
      const code = (at(u, v) ? 1 : 0) | (at(u + 1, v) ? 2 : 0) | (at(u + 1, v + 1) ? 4 : 0) | (at(u, v + 1) ? 8 : 0);
      if (code === 0 || code === 15) continue;
      const [B, R, T, L] = [bottom(u, v), left(u + 1, v), bottom(u, v + 1), left(u, v)];
      for (const [from, to] of EDGES[code]([B, R, T, L])) link(from, to);
    }
  }
  const point = (/** @type {number} */ name) => {
    const cell = name >> 1;
    const v = Math.floor(cell / (across + 1)) - 1;
    const u = (cell % (across + 1)) - 1;
    return /** @type {[number, number]} */ (name & 1 ? [u, v + 0.5] : [u + 0.5, v]);
  };
  const lines = [];
  for (const first of next.keys()) {
    let at = next.get(first)?.pop();
    if (at === undefined) continue;
    const line = [point(first)];
    while (at !== undefined && at !== first) {
      line.push(point(at));
      at = next.get(at)?.pop();
    }
    lines.push(line);
  }
  return lines;
}

/** @type {((sides: number[]) => number[][])[]} By which corners are inside: 1 lower left, 2 lower right, 4 upper right, 8 upper left. */
const EDGES = [
  () => [],
  ([B, , , L]) => [[B, L]],
  ([B, R]) => [[R, B]],
  ([, R, , L]) => [[R, L]],
  ([, R, T]) => [[T, R]],
  ([B, R, T, L]) => [
    [B, L],
    [T, R],
  ],
  ([B, , T]) => [[T, B]],
  ([, , T, L]) => [[T, L]],
  ([, , T, L]) => [[L, T]],
  ([B, , T]) => [[B, T]],
  ([B, R, T, L]) => [
    [R, B],
    [L, T],
  ],
  ([, R, T]) => [[R, T]],
  ([, R, , L]) => [[L, R]],
  ([B, R]) => [[B, R]],
  ([B, , , L]) => [[L, B]],
  () => [],
];
