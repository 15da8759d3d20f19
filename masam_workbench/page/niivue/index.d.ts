// What the page uses of NiiVue 0.69, for the type checker alone.

export class NVImage {
  static new(buffer: ArrayBuffer, name: string): Promise<NVImage>;
  img: ArrayLike<number>;
  hdr: { dims: number[]; affine: number[][]; scl_slope: number; scl_inter: number };
  permRAS: number[];
  dimsRAS: number[];
  pixDimsRAS: number[];
  extentsMinOrtho: number[];
  extentsMaxOrtho: number[];
  cal_min: number;
  cal_max: number;
}

export class NVMesh {
  static readMesh(buffer: ArrayBuffer, name: string, gl: WebGL2RenderingContext, opacity: number, color: Uint8Array): Promise<NVMesh>;
  constructor(points: Float32Array, triangles: Uint32Array, name: string, colors: Uint8Array, opacity: number, visible: boolean, gl: WebGL2RenderingContext);
  meshShaderIndex: number;
  opacity: number;
  rgba255: Uint8Array;
  visible: boolean;
  updateMesh(gl: WebGL2RenderingContext): void;
}

export class Niivue {
  constructor(options: Record<string, unknown>);
  attachToCanvas(canvas: HTMLCanvasElement, antialias: boolean): Promise<this>;
  gl: WebGL2RenderingContext;
  opts: Record<string, any>;
  scene: { crosshairPos: ArrayLike<number>; renderAzimuth: number; renderElevation: number; volScaleMultiplier: number };
  volumes: NVImage[];
  meshes: NVMesh[];
  pivot3D: number[];
  furthestFromPivot: number;
  extentsMin: number[];
  extentsMax: number[];
  addVolume(volume: NVImage): void;
  removeVolume(volume: NVImage): void;
  addMesh(mesh: NVMesh): void;
  removeMesh(mesh: NVMesh): void;
  setCustomMeshShader(fragment: string, name: string): number;
  meshShaders: { shader: { uniforms: Record<string, WebGLUniformLocation> } }[];
  setMeshShader(id: number | string, shader: string): void;
  updateGLVolume(): void;
  drawScene(): void;
  rgbaTex(old: WebGLTexture | null, unit: number, dims: number[], empty?: boolean): WebGLTexture;
  setInterpolation(nearest: boolean): void;
  setCustomLayout(layout: { sliceType: number; position: [number, number, number, number] }[]): void;
  setPivot3D(): void;
  calculateMvpMatrix(unused: unknown, area: number[], azimuth: number, elevation: number): ArrayLike<number>[];
  calculateWidthHeight(slice: number, scale: number[], width: number, height: number): [number, number];
  screenFieldOfViewExtendedVox(slice: number): { mnMM: number[]; mxMM: number[]; rotation: unknown; fovMM: number[] };
}
