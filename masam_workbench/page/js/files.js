/** @typedef {import("./bench.js").Bench} Bench */

const KINDS = ".nii,.gz,.nrrd,.mha,.mhd,.zip,.dcm,.mrb";

/**
 * Files up to the tab and down from it.
 */
export class Files {
  /** @param {Bench} bench @param {() => Promise<boolean>} mayLeave asks whether unsaved work may go */
  constructor(bench, mayLeave) {
    this.bench = bench;
    this._mayLeave = mayLeave;
    /** What is being sent, in words. */
    this.sending = "";
    /** @type {AbortController | null} */
    this._abort = null;
    let seen = bench.store.state.download;
    bench.store.watch(["download"], () => {
      const { download } = bench.store.state;
      if (seen !== undefined && download && download !== seen) fetchResult(download.slice(download.indexOf(" ") + 1));
      seen = download ?? seen;
    });
  }

  /** @param {boolean} folder whether a folder is chosen @param {any[] | null} [next] see `send` */
  async choose(folder, next = null) {
    if (!next && !(await this._mayLeave())) return;
    const input = document.createElement("input");
    input.type = "file";
    if (folder) input.webkitdirectory = true;
    else input.accept = KINDS;
    input.onchange = () => this.send([...(input.files ?? [])], "", next);
    input.click();
  }

  /** @param {DragEvent} event */
  async drop(event) {
    // Entries must be asked for at once: after the event they are gone.
    const entries = [...(event.dataTransfer?.items ?? [])]
      .map((item) => item.webkitGetAsEntry?.())
      .filter((each) => each !== null && each !== undefined);
    const plain = [...(event.dataTransfer?.files ?? [])];
    if (!plain.length && !entries.length) return;
    if (!(await this._mayLeave())) return;
    const folder = entries.find((entry) => entry.isDirectory);
    if (!folder) {
      this.send(plain);
      return;
    }
    try {
      this.send(await below(folder), folder.name);
    } catch {
      this.bench.say("The folder could not be read. Use Open, DICOM folder.", "error");
    }
  }

  /** @returns {boolean} whether there was something to stop */
  stop() {
    this._abort?.abort();
    return this._abort !== null;
  }

  /**
   * @param {File[]} files @param {string} [folder]
   * @param {any[] | null} [next] what is said besides of a next study, which takes nothing's place; null is another image
   */
  async send(files, folder = "", next = null) {
    const { bench } = this;
    if (!files.length || this._abort) return;
    const limit = bench.store.state.uploadLimit;
    if (limit && files.reduce((sum, file) => sum + file.size, 0) > limit) {
      bench.ask("uploadFailed", `This is more than ${Number((limit / 1e9).toPrecision(3))} GB, the limit of this server.`);
      return;
    }
    const name =
      folder || (files.length > 1 && files[0].webkitRelativePath ? files[0].webkitRelativePath.split("/")[0] : files[0].name);
    this._abort = new AbortController();
    try {
      const failure = await this._sendAll(files, name, this._abort.signal, next);
      if (failure) await bench.ask("uploadFailed", failure);
    } finally {
      this._abort = null;
      this._show("");
    }
  }

  /** @param {string} words */
  _show(words) {
    this.sending = words;
    this.bench.changed();
  }

  /**
   * @param {File[]} files @param {string} name @param {AbortSignal} signal @param {any[] | null} next
   * @returns {Promise<string>} what went wrong, if anything
   */
  async _sendAll(files, name, signal, next) {
    let batch = "";
    for (let n = 0; n < files.length; n += 1) {
      this._show(files.length > 1 ? `${name} (${n + 1} of ${files.length})` : name);
      const query = new URLSearchParams({ name: files[n].name, batch });
      let answer;
      let text;
      try {
        answer = await fetch(`upload?${query}`, { method: "POST", body: files[n], headers: { "X-Masam": "1" }, signal });
        text = await answer.text();
      } catch {
        return signal.aborted ? "Cancelled; nothing was opened." : "The file could not be sent: the connection was lost.";
      }
      if (!answer.ok) return text.slice(0, 300);
      batch = text;
    }
    if (next) await this.bench.ask("nextUploaded", batch, name, ...next);
    else await this.bench.ask("uploaded", batch, name);
    return "";
  }
}

/** @param {any} entry @returns {Promise<File[]>} */
async function below(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    /** @type {any[]} */
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found; // a browser gives a hundred at a time
    for (const each of some) found.push(...(await below(each)));
  }
}

/** @param {string} name */
function fetchResult(name) {
  if (name) offer(`results/${encodeURIComponent(name)}`, name);
}

/** Have the browser save something. @param {string} address @param {string} name */
export function offer(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
