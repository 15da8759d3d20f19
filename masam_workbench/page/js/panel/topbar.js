import { button, h, say } from "../dom.js";
import { saveScreenshot } from "../screenshot.js";
import { item, menu } from "./menu.js";

/**
 * @param {HTMLElement} root
 * @param {import("../bench.js").Bench} bench
 * @param {import("../files.js").Files} files
 * @param {import("./dialogs.js").Dialogs} dialogs
 * @param {import("./pacs.js").Pacs} pacs
 */
export function buildTopbar(root, bench, files, dialogs, pacs) {
  const { store } = bench;
  const samples = h("div", { role: "group", "aria-label": "Samples" });
  const fromPacs = item("slab", "From the PACS", "Search the hospital's archive", {
    "data-test": "open-pacs",
    onclick: () => pacs.open(),
  });
  const toPacs = item("slab", "To the PACS", "Masks (DICOM SEG) and measurements (report) into the patient's study", {
    "data-test": "save-pacs",
    onclick: () => pacs.send(),
  });
  const open = menu(
    "folder",
    "Open",
    { "data-test": "open-menu" },
    item("file", "File", "NIfTI, NRRD, MetaImage, zip of DICOM, saved scene (.mrb)", {
      "data-test": "open",
      onclick: () => files.choose(false),
    }),
    item("folder", "DICOM folder", "A folder of DICOM slices", { "data-test": "open-folder", onclick: () => files.choose(true) }),
    fromPacs,
    samples,
    ...nextItems(bench, files, pacs),
  );
  store.watch(["samples"], () => {
    samples.replaceChildren(
      ...store.state.samples.map((each) =>
        item("mask", each.short, "Bundled sample", {
          "data-test": `sample-${each.folder}`,
          onclick: async () => (await dialogs.mayLeave()) && bench.ask("openSample", each.folder),
        }),
      ),
    );
  });
  const name = h("span", { class: "image", "data-test": "image" });
  const undo = button("undo", "Undo", {
    "data-test": "undo",
    "aria-keyshortcuts": "Control+Z",
    onclick: () => bench.ask("undo"),
  });
  const redo = button("redo", "Redo", {
    "data-test": "redo",
    "aria-keyshortcuts": "Control+Y",
    onclick: () => bench.ask("redo"),
  });
  const kinds = [
    ["save-seg", ".seg.nrrd", "Masks for 3D Slicer", "Every mask with name, colour and prompts (.seg.nrrd)"],
    ["save-nii", ".nii.gz", "Masks as labels", "A label image on the image's own grid (.nii.gz)"],
    ["save-csv", ".csv", "Table", "Measurements (.csv)"],
    ["save-mrb", ".mrb", "Whole scene", "Image, boxes, prompts and masks, for 3D Slicer and for here (.mrb)"],
    ["save-dicom-seg", ".seg.dcm", "DICOM masks", "Masks in the patient's own study (DICOM SEG)"],
    ["save-dicom-sr", ".sr.dcm", "DICOM report", "Measurements in the patient's own study (DICOM SR)"],
    ["save-dicom-rt", ".rt.dcm", "DICOM contours", "Contours for radiotherapy (RTSTRUCT)"],
  ].map(([test, kind, word, about]) => item("save", word, about, { "data-test": test, onclick: () => bench.ask("save", kind) }));
  const picture = item("camera", "Picture", "What is on the screen, with the words that it is for research (key I)", {
    "data-test": "save-png",
    onclick: () => saveScreenshot(bench),
  });
  const save = menu("save", "Save", { "data-test": "save-menu", class: "strong" }, ...kinds, toPacs, picture);
  const saved = h("span", { class: "saved", "data-test": "saved" });
  root.append(
    h("span", { class: "brand" }, "MASAM"),
    open.opener,
    undo,
    redo,
    save.opener,
    saved,
    name,
    button("gear", "Settings", { "data-test": "settings", onclick: () => dialogs.settings() }),
    button("help", "Keys", {
      "data-test": "help",
      title: "Mouse and keys (?)",
      "aria-keyshortcuts": "?",
      onclick: () => dialogs.help(),
    }),
    open.sheet,
    save.sheet,
  );
  store.watch(["pacs"], () => {
    fromPacs.hidden = toPacs.hidden = !pacs.there;
  });
  store.watch(["image", "undoTitle", "redoTitle", "busy", "lesions", "structures", "saved", "pacs"], () => {
    const { image, undoTitle, redoTitle, busy, lesions } = store.state;
    say(name, image?.name ?? "");
    name.title = image?.name ?? "";
    undo.disabled = !undoTitle || Boolean(busy);
    undo.title = undoTitle ? `Undo: ${undoTitle} (Ctrl+Z)` : "There is nothing to undo";
    redo.disabled = !redoTitle || Boolean(busy);
    redo.title = redoTitle ? `Redo: ${redoTitle} (Ctrl+Y)` : "There is nothing to redo";
    const found = store.state.structures.some((each) => each.mask);
    // An anonymous series may have neither a description nor a number.
    const belongs = Boolean(image?.dicom || image?.study);
    const masks = found || lesions.some((each) => each.mask);
    kinds.forEach((each, n) => {
      each.disabled = n === 3 ? !image : !masks;
      each.hidden = n > 3 && !belongs;
    });
    toPacs.disabled = !masks || !belongs || Boolean(store.state.pacs?.doing);
    save.opener.disabled = !image;
    say(saved, image && store.state.saved === false ? "not saved" : "");
  });
}

/**
 * Lines of the menu that open the patient's next study beside the one that is shown.
 * @param {import("../bench.js").Bench} bench
 * @param {import("../files.js").Files} files
 * @param {import("./pacs.js").Pacs} pacs
 */
function nextItems(bench, files, pacs) {
  const same = h("input", { type: "checkbox", "data-test": "next-same" });
  const next = () => [same.checked];
  const file = item("two", "Next study: file", "Follow its lesions, side by side with this one", {
    "data-test": "next-file",
    onclick: () => files.choose(false, next()),
  });
  const folder = item("two", "Next study: DICOM folder", "", {
    "data-test": "next-folder",
    onclick: () => files.choose(true, next()),
  });
  const archive = item("two", "Next study: from the PACS", "", { "data-test": "next-pacs", onclick: () => pacs.open(next()) });
  const line = h(
    "label",
    { class: "item", title: "Numbers of two hospitals, say" },
    same,
    h("span", { class: "word" }, "One patient, though the IDs differ"),
  );
  bench.store.watch(["image", "earlier", "pacs"], () => {
    const { image, earlier } = bench.store.state;
    for (const each of [file, folder, archive]) each.disabled = !image || Boolean(earlier);
    archive.hidden = !pacs.there;
    line.hidden = !image?.patient;
  });
  return [h("div", { role: "group", "aria-label": "Next study of this patient", class: "next" }, file, folder, archive, line)];
}
