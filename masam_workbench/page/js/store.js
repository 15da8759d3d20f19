/** @typedef {import("./types").State} State */

/**
 * What the tab has said last, and who wants to know of changes.
 */
export class Store {
  constructor() {
    /** @type {State} */
    this.state = /** @type {any} */ ({
      image: null,
      lesions: [],
      selected: "",
      messages: [],
      series: [],
      samples: [],
      kinds: [],
      planes: [],
      models: [],
      check: {},
      earlier: null,
      link: {},
      followup: {},
      course: {},
      automatic: {},
      structures: [],
    });
    /** @type {{keys: string[], then: () => void}[]} */
    this._watchers = [];
  }

  /**
   * Call a function whenever one of some values has changed, and once at once.
   * @param {string[]} keys names of values; none stands for all
   * @param {() => void} then
   */
  watch(keys, then) {
    this._watchers.push({ keys, then });
    then();
  }

  /**
   * Take in what has changed, then tell those who watch it.
   * @param {Partial<State>} changed whole values
   */
  merge(changed) {
    Object.assign(this.state, changed);
    const names = Object.keys(changed);
    for (const { keys, then } of this._watchers) {
      if (!keys.length || keys.some((key) => names.includes(key))) then();
    }
  }

  /** @returns {import("./types").Lesion | undefined} the selected lesion */
  get selected() {
    return this.lesion(this.state.selected);
  }

  /**
   * @param {string} id
   * @returns {import("./types").Lesion | undefined}
   */
  lesion(id) {
    return this.state.lesions.find((each) => each.id === id);
  }
}
