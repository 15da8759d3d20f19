/** Words for the two ends of a box through a view: towards superior, anterior, right, and back. @type {Record<import("./types").ViewName, [string, string]>} */
export const END_WORDS = { axial: ["Upper", "Lower"], coronal: ["Front", "Back"], sagittal: ["Right", "Left"] };

/** @type {Record<import("./types").TileName, string>} */
export const TITLES = { axial: "Axial", coronal: "Coronal", sagittal: "Sagittal", space: "3D" };
