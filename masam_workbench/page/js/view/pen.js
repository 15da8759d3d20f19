const HALO = "rgba(0, 0, 0, 0.75)";
const FONT = '"DejaVu Sans", "Segoe UI", Roboto, system-ui, sans-serif';

/**
 * Draws lines and words that can be read on white and on black: each has a dark rim.
 */
export class Pen {
  /** @param {CanvasRenderingContext2D} context in pixels of the page */
  constructor(context) {
    this.context = context;
  }

  /**
   * @param {Path2D} path
   * @param {string} color
   * @param {number} width pixels
   * @param {number[]} [dash]
   */
  stroke(path, color, width, dash = []) {
    const { context } = this;
    context.lineJoin = "round";
    context.setLineDash(dash);
    context.strokeStyle = HALO;
    context.lineWidth = width + 1.6;
    context.stroke(path);
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke(path);
    context.setLineDash([]);
  }

  /** @param {number[][]} points @param {string} color @param {number} width @param {number[]} [dash] */
  lines(points, color, width, dash) {
    const path = new Path2D();
    points.forEach(([x, y], n) => (n ? path.lineTo(x, y) : path.moveTo(x, y)));
    this.stroke(path, color, width, dash);
  }

  /** @param {number[]} at @param {number} radius @param {string} fill @param {string} [rim] */
  dot([x, y], radius, fill, rim = "#000") {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = rim;
    context.lineWidth = 1.2;
    context.stroke();
  }

  /**
   * @param {string} words
   * @param {number} x @param {number} y of the baseline
   * @param {{align?: CanvasTextAlign, color?: string, size?: number, weight?: number}} [look]
   */
  text(words, x, y, { align = "left", color = "#fff", size = 13, weight = 400 } = {}) {
    const { context } = this;
    context.font = `${weight} ${size}px ${FONT}`;
    context.textAlign = align;
    context.lineJoin = "round";
    context.strokeStyle = "rgba(0, 0, 0, 0.85)";
    context.lineWidth = 3.5;
    context.strokeText(words, x, y);
    context.fillStyle = color;
    context.fillText(words, x, y);
  }

  /** @param {string} words @param {number} [size] @returns {number} pixels */
  width(words, size = 13) {
    this.context.font = `${size}px ${FONT}`;
    return this.context.measureText(words).width;
  }
}
