import { button, h, icon, say } from "../dom.js";

const MOST = 3; // pieces of work that are offered

/** @param {number} seconds since 1970 @returns {string} */
function timeOf(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/**
 * What is seen before there is an image.
 * @param {HTMLElement} root
 * @param {import("../bench.js").Bench} bench
 * @param {import("../files.js").Files} files
 * @param {import("./pacs.js").Pacs} pacs
 */
export function buildStart(root, bench, files, pacs) {
  const { store } = bench;
  root.setAttribute("data-test", "start");
  const openers = [
    button("file", "Open file", { class: "large", "data-test": "start-open", onclick: () => files.choose(false) }),
    button("folder", "Open DICOM folder", { class: "large", "data-test": "start-folder", onclick: () => files.choose(true) }),
    button("slab", "From the PACS", { class: "large", "data-test": "start-pacs", onclick: () => pacs.open() }),
  ];
  const kept = h("div", { class: "kept" });
  const samples = h("div", { class: "samples" });
  const fine = h("p", { class: "fine" });
  const status = h("p", { class: "status", role: "status", "data-test": "start-status" });
  root.append(
    h(
      "div",
      { class: "card" },
      h("h1", {}, "Outline a tumour in 3D"),
      h("p", {}, "Open an image, draw a tight box round the lesion, press Segment. Where the mask is wrong, click."),
      kept,
      h("div", { class: "choices" }, ...openers),
      h("h2", {}, "Or try it on a sample"),
      samples,
      status,
      fine,
      h("p", { class: "research" }, "Research use, not for clinical decisions."),
    ),
  );
  store.watch(["samples"], () => {
    samples.replaceChildren(
      ...store.state.samples.map((each) =>
        h(
          "button",
          {
            type: "button",
            class: "sample",
            "data-test": `start-${each.folder}`,
            onclick: () => bench.ask("openSample", each.folder),
          },
          h("img", { src: each.picture ?? `thumbnail/${encodeURIComponent(each.folder)}.png`, alt: "", width: 200, height: 150 }),
          h("span", {}, each.short),
        ),
      ),
    );
  });
  store.watch(["pacs"], () => {
    openers[2].hidden = !pacs.there;
  });
  store.watch(["works"], () => {
    const works = /** @type {any[]} */ (store.state.works ?? []).slice(0, MOST);
    kept.replaceChildren(
      ...works.map((each, n) =>
        h(
          "div",
          { class: "work" },
          button("again", n ? `Continue '${each.name}'` : "Continue your last work", {
            class: `large ${n ? "" : "strong"}`,
            "data-test": "continue",
            onclick: () => bench.ask("continueWork", each.id),
          }),
          h(
            "span",
            {},
            [n ? "" : each.name, `${each.lesions} ${each.lesions === 1 ? "lesion" : "lesions"}`, timeOf(each.when)]
              .filter(Boolean)
              .join(", "),
          ),
          h(
            "button",
            {
              type: "button",
              class: "small only",
              "data-test": "forget",
              title: "Delete this work",
              "aria-label": `Delete the work on ${each.name}`,
              onclick: () => bench.ask("forgetWork", each.id),
            },
            icon("bin"),
          ),
        ),
      ),
    );
  });
  const show = () => {
    const { image, loading, message, messageKind, minutes, keptDays } = store.state;
    root.hidden = image !== null || bench.connection.health === "connecting";
    const waits = Boolean(loading || files.sending);
    for (const each of root.querySelectorAll("button")) each.disabled = waits;
    say(
      status,
      files.sending ? `Sending ${files.sending} ...` : loading ? `Reading ${loading} ...` : bench.told.text || (message ?? ""),
    );
    status.className = `status ${bench.told.kind || messageKind || ""}`;
    say(
      fine,
      `NIfTI, NRRD, MetaImage, or DICOM slices as a folder or zip archive; also a scene that was saved here. Files go to this server and no further${minutes ? `, and are deleted ${minutes} minutes after the tab is closed` : ""}. ${keptDays ? `Work that is not saved is kept here for ${keptDays} days.` : ""}`,
    );
  };
  store.watch(["image", "loading", "message", "messageKind", "minutes", "samples", "works"], show);
  bench.onChange(show);
}
