// Shapes of what the tab tells the page; the tab writes them (masam_workbench/tab/state.py).

export type Vec3 = [number, number, number];
export type ViewName = "axial" | "coronal" | "sagittal";
export type TileName = ViewName | "space";

export interface Box {
  center: Vec3; // RAS, mm
  axes: [Vec3, Vec3, Vec3]; // unit vectors, RAS
  size: Vec3; // mm, along the axes
}

export interface Prompt {
  id: string;
  kind: "point" | "scribble" | "lasso" | "line" | "slicebox" | "box" | "across";
  name?: string;
  positive: boolean;
  points: Vec3[];
}

export interface Side {
  side: string;
  words: string;
  plane: Vec3[]; // corners
}

export interface Lesion {
  id: string;
  name: string;
  color: string;
  label: number;
  visible: boolean;
  locked: boolean;
  state: string;
  notes: string[];
  kind: string;
  figures: Record<string, string>;
  more?: { title: string; about: string; text: string }[];
  confidence: string;
  threshold: number | null;
  slices: string;
  extendable: Side[];
  box: Box | null;
  mask: { version: string; extent: number[] } | null;
  surface: string | null;
  prompts: Prompt[];
  corrected: boolean;
}

export interface Around {
  lesion: string;
  origin: Vec3; // RAS of the later study, mm
  step: Vec3; // mm along R, A, S; below zero where nodes descend
  size: Vec3; // nodes
  off: number[]; // mm in RAS of the earlier study, three a node, the first axis fastest
  elastic: boolean;
}

export interface Structure {
  id: string;
  name: string;
  color: string;
  visible: boolean;
  mask: { version: string; extent: number[] } | null;
  surface: string | null;
}

export interface Proposal {
  id: string;
  name: string;
  about: string;
  trust: "good" | "doubtful" | "failed";
  color: string;
  box: Box | null;
}

export interface Image {
  name: string;
  role?: string;
  version: string;
  url: string;
  size: Vec3;
  spacing: Vec3;
  modality: string;
  oblique: boolean;
  patient: { name: string; id: string; birth: string; sex: string } | null;
  study: Record<string, string> | null;
  /** Whether it is known which DICOM images it was read from. */
  dicom?: boolean;
  series: Record<string, string> | null;
  date: string;
  frames: number;
  frame: number;
  unit: string;
  windows: { name: string; window: number; level: number }[];
  window: { window: number; level: number };
}

export interface State {
  image: Image | null;
  lesions: Lesion[];
  selected: string;
  tool: string;
  busy: boolean;
  progress: number;
  pending: number;
  message: string;
  messageKind: string;
  messages: { text: string; kind: string }[];
  undoTitle: string;
  redoTitle: string;
  device: string;
  samples: { folder: string; name: string; short: string; picture?: string }[];
  kinds: { key: string; name: string }[];
  planes: { word: string; name: string }[];
  series: { uid: string; words: string }[];
  loading: string;
  threshold: number;
  useThreshold: boolean;
  follow: boolean;
  diameterPlane: string;
  check: { verdict?: string; percent?: number; text?: string; state?: string };
  saved: boolean;
  download: string;
  role: string;
  uploadLimit: number;
  minutes: number;
  models: (string | { name: string; words: string })[];
  model: string;
  earlier: { image: Image; lesions: Lesion[] } | null;
  automatic: {
    there?: boolean;
    only?: boolean;
    problem?: string;
    running?: boolean;
    classes?: { name: string; color: string; wanted: boolean }[];
  };
  structures: Structure[];
  link: { trust?: string; words?: string; matrix?: number[][] | null; around?: Around[] };
  [more: string]: any;
}
