import { offer } from "./files.js";
import { Pen } from "./view/pen.js";

const FOOT = 26; // pixels

/**
 * Save what is on the screen as a picture, with the words that it is for research burnt in.
 * @param {import("./bench.js").Bench} bench
 */
export async function saveScreenshot(bench) {
  const { viewer, overlay, store } = bench;
  if (!store.state.image) {
    bench.say("Open an image first.");
    return;
  }
  const { clientWidth: width, clientHeight: height } = viewer.stage;
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((height + FOOT) * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  context.fillStyle = "#0c0e11";
  context.fillRect(0, 0, width, height + FOOT);
  // What WebGL has drawn is gone after the browser has shown it: draw and copy in one go.
  await new Promise((done) => requestAnimationFrame(done));
  drawSlices(context, viewer);
  const area = viewer.space.area;
  if (area) {
    viewer.space.draw();
    context.drawImage(viewer.space.gl.canvas, area.left, area.top, area.width, area.height);
  }
  overlay.paint();
  context.drawImage(overlay.canvas, 0, 0, width, height);
  const { beside } = bench;
  if (beside && !beside.stage.hidden) {
    drawSlices(context, beside.viewer);
    beside.overlay.paint();
    context.drawImage(beside.overlay.canvas, 0, 0, beside.stage.clientWidth, beside.stage.clientHeight);
  }
  const pen = new Pen(context);
  pen.text("MASAM   research use, not for clinical decisions", width - 10, height + FOOT - 8, {
    align: "right",
    color: "#ffcf70",
  });
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (!(blob instanceof Blob)) {
    bench.say("The browser could not make the picture.", "error");
    return;
  }
  const address = URL.createObjectURL(blob);
  offer(address, `${plain(store.state.image.name)}_picture.png`);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  bench.say("The picture was saved.");
}

/** @param {CanvasRenderingContext2D} context @param {import("./view/viewer.js").Viewer} viewer */
function drawSlices(context, viewer) {
  if (!viewer.grid || !viewer.shown.length) return;
  const { clientWidth: width, clientHeight: height } = viewer.stage;
  viewer.slices.draw(viewer.shown, width, height);
  context.drawImage(viewer.slices.gl.canvas, 0, 0, width, height);
}

/** @param {string} name @returns {string} a file name from any text, without its ending */
export function plain(name) {
  const stem = name.replace(/(\.nii)?\.(gz|nii|nrrd|mha|mhd|zip|dcm|mrb)$/i, "");
  return (
    stem
      .replace(/[^\w.-]+/g, "_")
      .replace(/^[._]+|[._]+$/g, "")
      .slice(0, 80) || "image"
  );
}
