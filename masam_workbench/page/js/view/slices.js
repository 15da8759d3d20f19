import { Niivue, NVImage } from "../../niivue/index.js";
import { PLANES, VIEWS } from "./grid.js";

/** @typedef {import("../types").ViewName} ViewName */

const QUIET = {
  backColor: [0, 0, 0, 1],
  crosshairWidth: 0,
  interactive: false,
  isColorbar: false,
  isOrientationTextVisible: false,
  isRadiologicalConvention: true,
  isResizeCanvas: false,
  loadingText: "",
  logLevel: "warn",
  sagittalNoseLeft: true,
  show3Dcrosshair: false,
  showLegend: false,
  dragAndDropEnabled: false,
  forceDevicePixelRatio: -1, // canvases are sized here
  meshThicknessOn2D: 0,
};

/**
 * NiiVue, which draws the slices on the user's GPU. Which part of a slice lies where is said by our
 * cameras: NiiVue itself letterboxes each view and zooms all of them together.
 */
export class Slices extends Niivue {
  constructor() {
    super(QUIET);
    /** @type {Partial<Record<ViewName, import("./camera.js").Camera>>} */
    this.cameras = {};
  }

  /**
   * Take another image in place of the one that is there.
   * @param {ArrayBuffer} file NIfTI
   * @param {number} low @param {number} high values that are black and white
   * @param {() => boolean} wanted whether it is still the one to show, once it has been read
   * @returns {Promise<NVImage | null>} null where it no longer was
   */
  async take(file, low, high, wanted) {
    const image = await NVImage.new(file, "image.nii.gz");
    if (!wanted()) return null;
    for (const old of [...this.volumes]) this.removeVolume(old);
    // Before it is added: for another window NiiVue prepares the whole volume anew.
    [image.cal_min, image.cal_max] = [low, high];
    this.addVolume(image);
    return image;
  }

  /**
   * Grey values from `low` (black) to `high` (white).
   * @param {number} low @param {number} high
   */
  grey(low, high) {
    const [image] = this.volumes;
    if (!image || (image.cal_min === low && image.cal_max === high)) return;
    image.cal_min = low;
    image.cal_max = high;
    this.updateGLVolume();
  }

  /**
   * Draw once.
   * @param {ViewName[]} shown
   * @param {number} width @param {number} height of the stage in pixels of the page
   */
  draw(shown, width, height) {
    this.setCustomLayout(
      shown.map((name) => {
        const { left, top, width: wide, height: high } = /** @type {import("./camera.js").Camera} */ (this.cameras[name]).area;
        return { sliceType: VIEWS.indexOf(name), position: [left / width, top / height, wide / width, high / height] };
      }),
    );
    super.drawScene();
  }

  /** NiiVue would draw after each of its own steps; the viewer draws once for all of them. */
  drawScene() {}

  /**
   * NiiVue's textures. For each window it also computes the gradients of the whole volume, which only
   * volume renderings show: those get a texture of one voxel a slice, which costs nothing.
   */
  rgbaTex(
    /** @type {WebGLTexture | null} */ old,
    /** @type {number} */ unit,
    /** @type {number[]} */ dims,
    /** @type {boolean | undefined} */ empty = false,
  ) {
    const gradients = unit === this.gl.TEXTURE6 || (unit === this.gl.TEXTURE8 && empty);
    return super.rgbaTex(old, unit, gradients ? [3, 1, 1, dims[3]] : dims, empty);
  }

  /** A view fills its place; the camera sees to its shape. */
  calculateWidthHeight(
    /** @type {number} */ _slice,
    /** @type {number[]} */ _scale,
    /** @type {number} */ width,
    /** @type {number} */ height,
  ) {
    return /** @type {[number, number]} */ ([width, height]);
  }

  /** What a view shows, in NiiVue's millimetres along the grid's axes. */
  screenFieldOfViewExtendedVox(/** @type {number} */ slice) {
    const found = super.screenFieldOfViewExtendedVox(slice);
    const name = VIEWS[slice];
    const camera = this.cameras[name];
    if (!camera) return found;
    const { u, v } = PLANES[name];
    const from = this.volumes[0].extentsMinOrtho;
    const [across, up] = camera.extent();
    [found.mnMM[0], found.mxMM[0]] = [from[u] + across[0], from[u] + across[1]];
    [found.mnMM[1], found.mxMM[1]] = [from[v] + up[0], from[v] + up[1]];
    found.fovMM[0] = across[1] - across[0];
    found.fovMM[1] = up[1] - up[0];
    return found;
  }
}
