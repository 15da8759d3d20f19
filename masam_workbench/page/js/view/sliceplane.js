import { NVMesh } from "../../niivue/index.js";
import { Slabs } from "./slab.js";

/** @typedef {import("../types").Vec3} Vec3 */

const WAIT_MS = 80; // after the last step of the wheel
const UNIT = 15; // of the textures; NiiVue has the lower ones

// A picture is not lit; the corners' colours say where in it they lie.
const SHADER = `#version 300 es
precision highp float;
uniform float opacity;
uniform sampler2D picture;
in vec4 vClr;
out vec4 color;
void main() { color = vec4(texture(picture, vClr.rg).rgb, opacity); }`;

/**
 * The axial slice in the 3D view: a rectangle with the slice's picture on it.
 */
export class SlicePlane {
  /** @param {import("./viewer.js").Viewer} viewer */
  constructor(viewer) {
    this._viewer = viewer;
    this._slabs = new Slabs();
    this._key = "";
    /** @type {NVMesh | null} */
    this._mesh = null;
    this._shader = -1;
    viewer.onChange(() => this._soon());
  }

  _soon() {
    const { grid, version, window, level, slab, space, settled } = this._viewer;
    if (!settled) return;
    const key = grid && space.area ? [version, this._viewer.slice("axial"), window, level, slab].join(" ") : "";
    if (key === this._key) return;
    this._key = key;
    clearTimeout(this._later);
    this._later = setTimeout(() => this._make(), WAIT_MS);
  }

  _make() {
    const { grid, cameras, image, space } = this._viewer;
    if (this._mesh) space.removeMesh(this._mesh);
    this._mesh = null;
    if (grid && cameras && image && this._key) {
      this._dress(this._slabs.picture(this._viewer, cameras.axial));
      const { points, triangles, colors } = sheet(grid, this._viewer.slice("axial"));
      this._mesh = new NVMesh(points, triangles, "slice", colors, 1, true, space.gl);
      this._mesh.meshShaderIndex = this._shader;
      space.addMesh(this._mesh);
    }
    space.soon();
  }

  /** @param {HTMLCanvasElement} picture that the mesh shows */
  _dress(picture) {
    const { space } = this._viewer;
    const { gl } = space;
    gl.activeTexture(gl.TEXTURE0 + UNIT);
    if (this._shader < 0) {
      this._shader = space.setCustomMeshShader(SHADER, "Slice"); // which is in use now
      gl.uniform1i(space.meshShaders[this._shader].shader.uniforms.picture, UNIT);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    }
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.activeTexture(gl.TEXTURE0);
  }
}

/**
 * A slice as two triangles, from the outer edge of its first voxel to that of its last one.
 * @param {import("./grid.js").Grid} grid
 * @param {number} slice
 */
function sheet(grid, slice) {
  const ends = [0, 1].map((axis) => [-0.5, grid.size[axis] - 0.5]);
  const corners = [0, 1, 2, 3].map((n) => grid.toRas([ends[0][n % 2], ends[1][n >> 1], slice]));
  return {
    points: new Float32Array(corners.flat()),
    triangles: new Uint32Array([0, 1, 3, 0, 3, 2]),
    colors: new Uint8Array([0, 1, 2, 3].flatMap((n) => [255 * (n % 2), 255 * (n >> 1), 0, 255])),
  };
}
