const PLACE = "masam look";

/**
 * How things are shown; the browser keeps it for the next time.
 */
export class Look {
  constructor() {
    this.masks = true;
    this.boxes = true;
    this.cross = true;
    this.names = true; // of patient and study
    this.fill = 0.15; // opacity
    this.radius = 5; // mm, of the brush
    this.shape = "disc"; // of the brush
    this.limited = false; // whether the brush minds the values
    this.low = -300;
    this.high = 300;
    try {
      const kept = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
      for (const [name, value] of Object.entries(kept)) {
        if (name in this && typeof value === typeof (/** @type {any} */ (this)[name])) /** @type {any} */ (this)[name] = value;
      }
    } catch {
      // A browser that keeps nothing begins with the defaults each time.
    }
  }

  /** Keep it. Names of patients that were hidden stay hidden until they are asked for. */
  keep() {
    try {
      localStorage.setItem(PLACE, JSON.stringify(this));
    } catch {
      // As above.
    }
  }
}
