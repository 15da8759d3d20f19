"""What a segment stands for, in SNOMED CT codes that Slicer and DICOM understand.

Codes, meanings and list names are those of the two terminologies that ship with 3D Slicer (DICOM
CID 7159, Lesion Segmentation Types), so that Slicer shows the entry by name and exports it to DICOM
SEG. https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html
"""

from __future__ import annotations

from dataclasses import dataclass

Color = tuple[float, float, float]

GENERAL_LIST = "Segmentation category and type - 3D Slicer General Anatomy list"
DICOM_LIST = "Segmentation category and type - DICOM master list"
ANATOMY_LIST = "Anatomic codes - DICOM master list"


@dataclass(frozen=True)
class Code:
    """A coded term: coding scheme, value and meaning."""

    scheme: str
    value: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.scheme}^{self.value}^{self.meaning}"


MORPHOLOGICALLY_ALTERED = Code("SCT", "49755003", "Morphologically Altered Structure")


@dataclass(frozen=True)
class TumourType:
    """A kind of finding, with the colour (red, green, blue in [0, 1]) to show it in.

    Attributes:
        code: the finding's SNOMED CT code.
        color: the terminology's own recommended colour, or ours where it recommends none.
        context: the terminology in which Slicer finds the code.
    """

    code: Code
    color: Color
    context: str = DICOM_LIST

    @property
    def entry(self) -> str:
        """Value of the ``TerminologyEntry`` tag: seven parts, no modifier and no anatomy."""
        parts = (self.context, MORPHOLOGICALLY_ALTERED, self.code, "^^", ANATOMY_LIST, "^^", "^^")
        return "~".join(str(part) for part in parts)


def _type(value: str, meaning: str, rgb: tuple[int, int, int], context: str) -> TumourType:
    red, green, blue = (channel / 255 for channel in rgb)
    return TumourType(Code("SCT", value, meaning), (red, green, blue), context)


# What a box prompt finds is a mass until somebody has named it.
MASS = _type("4147007", "Mass", (144, 238, 144), GENERAL_LIST)

TUMOUR_TYPES: dict[str, TumourType] = {
    "mass": MASS,
    "nodule": _type("27925004", "Nodule", (112, 200, 190), DICOM_LIST),
    "neoplasm": _type("108369006", "Neoplasm", (238, 154, 90), DICOM_LIST),
    "primary": _type("86049000", "Neoplasm, Primary", (230, 110, 110), DICOM_LIST),
    "metastasis": _type("14799000", "Neoplasm, Secondary", (190, 130, 220), DICOM_LIST),
    "cyst": _type("367643001", "Cyst", (205, 205, 100), GENERAL_LIST),
    "necrosis": _type("6574001", "Necrosis", (216, 191, 216), GENERAL_LIST),
    "oedema": _type("79654002", "Edema", (140, 224, 228), GENERAL_LIST),
}

# Told apart on a grey image, also by readers with one kind of cones missing (a test computes it),
# and light enough for lung and air. Amber is left out: it is the expert's colour where a result is
# compared with one.
LESION_COLORS: tuple[Color, ...] = (
    MASS.color,
    (0.00, 0.58, 1.00),
    (1.00, 0.92, 0.00),
    (0.17, 0.83, 0.75),
    (0.92, 0.42, 0.50),
    (0.00, 0.83, 1.00),
    (0.92, 0.42, 0.25),
)


def lesion_color(index: int) -> Color:
    """Colour of the lesion with this place in the list; the first is that of a mass."""
    return LESION_COLORS[index % len(LESION_COLORS)]
