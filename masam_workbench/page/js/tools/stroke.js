import { rgb } from "../view/space.js";

/** @typedef {import("../bench.js").Bench} Bench */

/**
 * Brush and eraser: a stroke is shown while it is drawn, and done by the tab when it ends, as one
 * step that can be undone.
 * @param {"brush" | "eraser"} mode
 * @returns {Pick<import("./tools.js").Tool, "press">}
 */
export function stroke(mode) {
  return {
    press(bench, camera, x, y) {
      const { viewer, overlay, look, store } = bench;
      const lesion = store.selected;
      if (mode === "eraser" && !lesion?.mask) {
        bench.say("There is no mask to erase from. Select a lesion that has one.");
        return null;
      }
      const slice = viewer.slice(camera.name);
      const points = [camera.fromScreen(x, y, slice)];
      let last = [x, y];
      const [red, green, blue] = rgb(lesion?.color ?? "#90ee90");
      overlay.draft = (pen, each) => {
        if (each !== camera) return;
        const { context } = pen;
        const seen = points.map((o) => camera.toScreen(o));
        context.strokeStyle = mode === "brush" ? `rgba(${red}, ${green}, ${blue}, 0.45)` : "rgba(255, 255, 255, 0.35)";
        context.lineWidth = 2 * look.radius * camera.scale;
        context.lineCap = context.lineJoin = "round";
        context.beginPath();
        seen.forEach(([px, py], n) => (n ? context.lineTo(px, py) : context.moveTo(px, py)));
        if (seen.length === 1) context.lineTo(seen[0][0] + 0.01, seen[0][1]);
        context.stroke();
      };
      const close = () => {
        overlay.draft = null;
        viewer.change(false);
      };
      viewer.change(false);
      return {
        move(newX, newY) {
          if (Math.hypot(newX - last[0], newY - last[1]) < 2) return;
          last = [newX, newY];
          points.push(camera.fromScreen(newX, newY, slice));
          viewer.change(false);
        },
        end() {
          const about = {
            mode,
            shape: look.shape,
            radius: look.radius,
            plane: camera.name,
            range: look.limited ? [look.low, look.high] : null,
          };
          // The stroke stays to be seen until the mask has it.
          bench
            .ask(
              "paint",
              lesion?.id ?? "",
              about,
              points.map((o) => camera.grid.toRas(o)),
            )
            .finally(close);
        },
        cancel: close,
      };
    },
  };
}

/**
 * The ring that shows the brush's size, round the pointer.
 * @param {import("../view/pen.js").Pen} pen
 * @param {import("../view/camera.js").Camera} camera
 * @param {import("../view/overlay.js").Overlay} overlay
 */
export function paintRing(pen, camera, overlay) {
  const at = overlay.pointer;
  if (at?.name !== camera.name) return;
  const path = new Path2D();
  path.arc(at.x, at.y, Math.max(overlay.look.radius * camera.scale, 1), 0, 2 * Math.PI);
  pen.stroke(path, "#ffffff", 1);
}
