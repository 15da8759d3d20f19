import { Bench } from "./bench.js";
import { Beside } from "./beside.js";
import { Connection } from "./connection.js";
import { Files } from "./files.js";
import { listen } from "./keys.js";
import { Dialogs } from "./panel/dialogs.js";
import { buildFollowUp } from "./panel/followup.js";
import { buildList } from "./panel/lesions.js";
import { buildLinkbar } from "./panel/linkbar.js";
import { Pacs } from "./panel/pacs.js";
import { buildRun, segment } from "./panel/run.js";
import { buildStart } from "./panel/start.js";
import { buildStructures } from "./panel/structures.js";
import { Strips } from "./panel/strips.js";
import { buildTiles } from "./panel/tiles.js";
import { buildBrushbar, buildTools } from "./panel/toolbox.js";
import { buildTopbar } from "./panel/topbar.js";
import { buildViewbar } from "./panel/viewbar.js";
import { Store } from "./store.js";
import { Mouse } from "./tools/mouse.js";
import { Look } from "./view/look.js";
import { Masks } from "./view/masks.js";
import { Overlay } from "./view/overlay.js";
import { Viewer } from "./view/viewer.js";

const place = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const canvas = (/** @type {string} */ id) => /** @type {HTMLCanvasElement} */ (place(id));

const store = new Store();
const strips = new Strips(place("strips"), () => connection.retry());
const look = new Look();
const viewer = new Viewer(place("stage"), canvas("flat"), canvas("deep"));
const masks = new Masks(() => viewer.change(false));
const overlay = new Overlay(canvas("overlay"), viewer, store, masks, look);
const connection = new Connection(store, (health) => strips.show(health));
const bench = new Bench(store, connection, viewer, overlay, masks, look);
const dialogs = new Dialogs(bench);
const files = new Files(bench, () => dialogs.mayLeave());
const pacs = new Pacs(bench, () => dialogs.mayLeave());
const mouse = new Mouse(bench);
bench.cancelGesture = () => mouse.cancel();

buildTopbar(place("topbar"), bench, files, dialogs, pacs);
buildTools(place("panel"), bench);
buildRun(place("panel"), bench, files);
buildStructures(place("panel"), bench);
buildList(place("panel"), bench, dialogs);
buildViewbar(place("viewbar"), bench);
buildTiles(place("tiles"), bench, mouse);
buildBrushbar(place("brushbar"), bench);
buildStart(place("start"), bench, files, pacs);
bench.beside = new Beside(bench, place("beside"), canvas("beside-flat"), canvas("beside-overlay"), place("beside-tiles"));
buildLinkbar(place("linkbar"), bench, bench.beside);
buildFollowUp(place("followup"), bench, bench.beside);
strips.watch(bench);
listen(bench, { files, help: () => dialogs.help(), segment: () => segment(bench, files) });

window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => {
  event.preventDefault();
  files.drop(event);
});
window.addEventListener("beforeunload", (event) => {
  if (store.state.saved !== false && !files.sending) return;
  event.preventDefault();
  event.returnValue = true; // what older browsers ask for
});

let shown = "";
let seen = "";
let asked = 0;

/** Whose image it is; the frames of a sequence have it in common. @param {import("./types").Image} image */
const sequence = ({ name, patient, study, series, frames, size }) =>
  JSON.stringify([name, patient, study, series, frames, size]);

/** Show no image, and put away what belongs to the one that was shown. */
function empty() {
  seen = "";
  bench.setTool("");
  overlay.measures = [];
  viewer.clear();
  delete document.body.dataset.image;
  bench.changed();
}

/** Fetch and show the image when there is another one. */
async function showImage() {
  const { image } = store.state;
  const key = image ? `${image.version} ${image.url}` : "";
  if (key === shown) return;
  shown = key;
  asked += 1;
  const mine = asked;
  const wanted = () => mine === asked;
  const stay = Boolean(image && image.frames > 1 && sequence(image) === seen);
  if (!stay) empty(); // no picture may stand under another patient's name while the next one comes
  if (!image) return;
  try {
    const content = await strips.download(image.url, image.name);
    if (!wanted() || !(await viewer.show(content, stay ? viewer : image.window, stay, wanted))) return;
    seen = sequence(image);
    bench.setTool("");
    bench.lookIn3D();
    bench.changed();
    document.body.dataset.image = image.version; // for whoever waits for the picture
  } catch (error) {
    if (!wanted()) return;
    shown = "";
    empty();
    bench.say(
      `The image could not be shown: ${error instanceof Error ? error.message : error} Reload the page to try again.`,
      "error",
    );
  }
}

try {
  await viewer.start();
  store.watch(["image"], showImage);
} catch (error) {
  strips.fatal(`This browser can't draw the views (WebGL 2 is needed): ${error instanceof Error ? error.message : error}`);
}
