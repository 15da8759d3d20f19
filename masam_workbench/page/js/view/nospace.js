/**
 * In place of the 3D view, for views of slices alone: one more drawing surface of the GPU is saved.
 */
export class NoSpace {
  constructor() {
    this.area = null;
    this.onDraw = () => {};
  }

  async start() {}

  reset() {}

  place() {}

  frame() {}

  lookAt() {}

  surfaces() {}

  soon() {}

  turn() {}

  zoom() {}

  toScreen() {
    return null;
  }
}
