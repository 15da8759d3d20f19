// What the page does by itself: files up and down, and keys.
window.trame.utils.masam = (() => {
  const ask = (name, ...args) => window.trame.trigger(name, args);

  // Another image takes the place of this one, with its lesions.
  function mayLeave(lesions) {
    const masks = lesions.filter((lesion) => lesion.segmented).length;
    return !masks || window.confirm(`Open another image? The ${masks === 1 ? "mask" : masks + " masks"} of this one will be gone if not saved.`);
  }

  // A name that is being typed: the page is drawn again meanwhile, and must not take it away.
  let typed = null;

  function nameOf(lesion) {
    return typed?.id === lesion.id ? typed.text : lesion.name;
  }

  function editName(lesion) {
    typed = { id: lesion.id, before: lesion.name, text: lesion.name };
  }

  function typeName(event) {
    if (typed) typed.text = event.target.value;
  }

  async function endName(event) {
    const done = typed;
    if (!done) return;
    if (done.text === done.before) {
      typed = null;
      return;
    }
    const field = event.target;
    await ask("rename", done.id, done.text);
    if (typed !== done) return;
    typed = null;
    // The server's word is the last one: it may have refused the name.
    setTimeout(() => {
      const lesion = window.trame.state.get("lesions").find((each) => each.id === done.id);
      if (lesion && typed?.id !== done.id) field.value = lesion.name;
    }, 500);
  }

  function nameKey(event) {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    if (event.key === "Escape" && typed) {
      typed.text = typed.before;
      event.target.value = typed.before;
    }
    event.target.blur();
  }

  // The size of the brush, around the pointer.
  function ring(event) {
    const view = event.currentTarget;
    const shown = view.querySelector(".ring");
    if (!shown) return;
    const place = view.getBoundingClientRect();
    shown.style.left = `${event.clientX - place.left}px`;
    shown.style.top = `${event.clientY - place.top}px`;
  }

  function choose(folder) {
    const input = document.createElement("input");
    input.type = "file";
    if (folder) input.webkitdirectory = true;
    else input.accept = ".nii,.gz,.nrrd,.mha,.zip,.dcm";
    input.onchange = () => upload([...input.files]);
    input.click();
  }

  // Entries must be asked for at once: after the event they are gone.
  async function drop(event) {
    const entries = [...(event.dataTransfer?.items || [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const folder = entries.find((entry) => entry.isDirectory);
    if (!folder) {
      upload([...(event.dataTransfer?.files || [])]);
      return;
    }
    try {
      upload(await filesBelow(folder), folder.name);
    } catch {
      ask("uploadFailed", "The folder could not be read. Use Open DICOM folder.");
    }
  }

  async function filesBelow(entry) {
    if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!some.length) break; // a browser gives a hundred at a time
      for (const each of some) found.push(...(await filesBelow(each)));
    }
    return found;
  }

  let sending = null; // ends what is being sent
  const show = (words) => window.trame.state.set("uploading", words);

  // Files are sent one by one as they are; the server takes them into a new folder of its own.
  async function upload(files, folder = "") {
    if (!files.length || sending) return;
    const limit = window.trame.state.get("uploadLimit");
    if (files.reduce((sum, file) => sum + file.size, 0) > limit) {
      await ask("uploadFailed", `This is more than ${Number((limit / 1e9).toPrecision(3))} GB, the limit of this server.`);
      return;
    }
    const name = folder || (files.length > 1 && files[0].webkitRelativePath ? files[0].webkitRelativePath.split("/")[0] : files[0].name);
    sending = new AbortController();
    try {
      const failure = await send(files, name, sending.signal);
      if (failure) await ask("uploadFailed", failure);
    } finally {
      sending = null;
      show("");
    }
  }

  // What went wrong, if anything.
  async function send(files, name, signal) {
    let batch = "";
    for (let n = 0; n < files.length; n += 1) {
      const place = files.length > 1 ? ` (${n + 1} of ${files.length})` : "";
      show(`${name}${place}`);
      const query = new URLSearchParams({ name: files[n].name, batch });
      let answer, text;
      try {
        answer = await fetch(`upload?${query}`, { method: "POST", body: files[n], headers: { "X-Masam": "1" }, signal });
        text = await answer.text();
      } catch {
        return signal.aborted ? "Cancelled; nothing was opened." : "The file could not be sent: the connection was lost.";
      }
      if (!answer.ok) return text.slice(0, 300);
      batch = text;
    }
    await ask("uploaded", batch, name);
    return "";
  }

  function stopUpload() {
    if (!sending) return false;
    sending.abort();
    return true;
  }

  // What was saved last, to know whether masks would be lost with the page; a reload knows it too.
  const SAVED = `masam saved ${window.location.pathname}`;
  const WHOLE = [".seg.nrrd", ".nii.gz", ".mrb"];

  function masks() {
    const lesions = (window.trame.state.get("lesions") || []).filter((lesion) => lesion.segmented);
    const facts = lesions.map((l) => [l.id, l.name, l.kind, l.volume, l.diameter, l.perpendicular]);
    return lesions.length ? JSON.stringify([window.trame.state.get("image"), facts]) : "";
  }

  function unsaved() {
    const now = masks();
    return now !== "" && now !== window.sessionStorage.getItem(SAVED);
  }

  window.addEventListener(
    "beforeunload",
    (event) => {
      if (!unsaved() && !sending) return;
      event.preventDefault();
      event.returnValue = true; // what older browsers ask for
      event.stopImmediatePropagation(); // trame would close the connection of a page that stays
    },
    true,
  );

  function download(value) {
    const name = value.slice(value.indexOf(" ") + 1);
    if (!name) return;
    const link = document.createElement("a");
    link.href = `results/${encodeURIComponent(name)}`;
    link.download = name;
    link.click();
    if (WHOLE.some((ending) => name.endsWith(ending))) window.sessionStorage.setItem(SAVED, masks());
  }

  // Without a secure connection (another machine's plain address) browsers keep the clipboard shut;
  // a selection can be copied there all the same.
  async function copy(text, button) {
    const before = button.textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    button.textContent = done ? "Copied" : "Select and copy by hand";
    setTimeout(() => { button.textContent = before; }, 2000);
  }

  // Each picture is confirmed, so that no more are sent than the connection carries.
  function confirmPictures() {
    const session = window.trame.client?.getConnection?.()?.getSession?.();
    if (!session) {
      setTimeout(confirmPictures, 50);
      return;
    }
    session.subscribe("trame.rca.topic.stream", ([{ name, meta }]) => ask("confirm", name, meta.number));
    ask("begin");
  }
  confirmPictures();

  const keys = { b: "box", e: "next", v: "toggleMasks", Escape: "leave" };
  const withCtrl = { z: "undo", y: "redo", Enter: "segment" };
  window.addEventListener(
    "keydown",
    (event) => {
      const field = event.target.closest?.("input:not([type=range]):not([type=checkbox]):not([type=color]), select, textarea");
      const closed = field && field === clicked && opens && !field.matches(":open");
      if (closed) field.blur();
      if (field && !closed && (event.key !== "Escape" || field.matches(".name"))) return;
      if (field && event.key === "Escape" && field.matches("select")) field.blur();
      const ctrl = event.ctrlKey || event.metaKey;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      let action = ctrl ? withCtrl[key] : event.altKey ? undefined : keys[key];
      if (ctrl && event.shiftKey && key === "z") action = "redo";
      if (!action || event.repeat) return;
      if (action !== "leave" && window.trame.state.get("check")?.verdict) return; // a window is over the page
      event.preventDefault();
      event.stopPropagation();
      if ((action === "leave" || action === "segment") && stopUpload()) return;
      ask(action);
    },
    true,
  );

  // A field that was just used must not keep the keys to itself.
  window.addEventListener("change", (event) => {
    if (event.target.matches?.("select, input[type=checkbox], input[type=range], input[type=color]")) event.target.blur();
  });

  // A list that the mouse has opened and that closes without a choice says nothing, and keeps the
  // focus: the next key is for the workbench again. One that was reached with Tab keeps its keys.
  const opens = CSS.supports("selector(:open)");
  let clicked = null;
  window.addEventListener("pointerdown", (event) => { clicked = event.target.closest?.("select") || null; }, true);
  window.addEventListener("focusout", (event) => { if (event.target === clicked) clicked = null; }, true);

  return { choose, copy, drop, download, mayLeave, ring, stopUpload, unsaved, nameOf, editName, typeName, endName, nameKey };
})();
