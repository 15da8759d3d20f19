import { NVMesh } from "../../niivue/index.js";
import { clamp } from "./vectors.js";

/** @typedef {import("../types").Vec3} Vec3 */

const MOST = 160; // points along a side; a picture of a slice in 3D needs no more
const WAIT_MS = 80; // after the last step of the wheel

// As it is: a picture is not lit.
const SHADER = `#version 300 es
precision highp float;
uniform float opacity;
in vec4 vClr;
out vec4 color;
void main() { color = vec4(vClr.rgb, opacity); }`;

/**
 * The axial slice in the 3D view, as a mesh whose points have the image's greys.
 */
export class SlicePlane {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this._viewer = viewer;
    this._key = "";
    /** @type {NVMesh | null} */
    this._mesh = null;
    this._shader = -1;
    viewer.onChange(() => this._soon());
  }

  _soon() {
    const { grid, version, window, level, space, settled } = this._viewer;
    if (!settled) return;
    const key = grid && space.area ? [version, this._viewer.slice("axial"), window, level].join(" ") : "";
    if (key === this._key) return;
    this._key = key;
    clearTimeout(this._later);
    this._later = setTimeout(() => this._make(), WAIT_MS);
  }

  _make() {
    const viewer = this._viewer;
    const { grid, space } = viewer;
    if (this._mesh) space.removeMesh(this._mesh);
    this._mesh = null;
    if (grid && viewer.image && this._key) {
      if (this._shader < 0) this._shader = space.setCustomMeshShader(SHADER, "Slice");
      const { points, triangles, colors } = sheet(viewer, grid);
      this._mesh = new NVMesh(points, triangles, "slice", colors, 1, true, space.gl);
      this._mesh.meshShaderIndex = this._shader;
      space.addMesh(this._mesh);
    }
    space.soon();
  }
}

/**
 * @param {import("./viewer.js").Viewer} viewer
 * @param {import("./grid.js").Grid} grid
 */
function sheet(viewer, grid) {
  const slice = viewer.slice("axial");
  const counts = [0, 1].map((axis) => Math.min(grid.size[axis], MOST));
  const points = new Float32Array(3 * counts[0] * counts[1]);
  const colors = new Uint8Array(4 * counts[0] * counts[1]);
  const low = viewer.level - viewer.window / 2;
  for (let v = 0, n = 0; v < counts[1]; v += 1) {
    for (let u = 0; u < counts[0]; u += 1, n += 1) {
      /** @type {Vec3} */
      const o = [
        (u * (grid.size[0] - 1)) / Math.max(counts[0] - 1, 1),
        (v * (grid.size[1] - 1)) / Math.max(counts[1] - 1, 1),
        slice,
      ];
      points.set(grid.toRas(o), 3 * n);
      const grey = clamp((((viewer.value(o) ?? low) - low) / viewer.window) * 255, 0, 255);
      colors.set([grey, grey, grey, 255], 4 * n);
    }
  }
  return { points, colors, triangles: trianglesOf(counts[0], counts[1]) };
}

/** @param {number} across @param {number} up @returns {Uint32Array} of a sheet of points */
function trianglesOf(across, up) {
  const found = [];
  for (let v = 0; v + 1 < up; v += 1) {
    for (let u = 0; u + 1 < across; u += 1) {
      const a = v * across + u;
      const [b, c, d] = [a + 1, a + across, a + across + 1];
      found.push(a, b, d, a, d, c);
    }
  }
  return new Uint32Array(found);
}
