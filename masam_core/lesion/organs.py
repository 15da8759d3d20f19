"""What a class of a model stands for: SNOMED CT terms and Slicer's colours of organs.

Codes are those of DICOM (CID 7140 and its neighbours), colours those of Slicer's own table
GenericAnatomyColors, from which Slicer's general anatomy terminology has them, too.
https://github.com/Slicer/Slicer/blob/main/Base/Logic/Resources/ColorFiles/GenericAnatomyColors.txt
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from masam_core.lesion.terminology import (
    ANATOMY_LIST,
    DICOM_LIST,
    GENERAL_LIST,
    LESION_COLORS,
    MORPHOLOGICALLY_ALTERED,
    Code,
    Color,
    TumourType,
)

ANATOMICAL = Code("SCT", "123037004", "Anatomical Structure")
TISSUE = Code("SCT", "85756007", "Tissue")
OBJECT = Code("SCT", "260787004", "Physical object")
RIGHT = Code("SCT", "24028007", "Right")
LEFT = Code("SCT", "7771000", "Left")
SIDES = {"right": RIGHT, "left": LEFT}

_LISTS = (GENERAL_LIST, DICOM_LIST)


@dataclass(frozen=True)
class ClassTerm:
    """A class that a model tells apart.

    Attributes:
        name: as the model calls it.
        color: red, green, blue in [0, 1].
        code: what it is; tissue, as of any new segment in Slicer, where nobody has said.
        category: of what kind that is.
        modifier: the side, or None.
        context: the terminology in which Slicer finds the code.
    """

    name: str
    color: Color
    code: Code = TISSUE
    category: Code = TISSUE
    modifier: Code | None = None
    context: str = GENERAL_LIST

    @property
    def entry(self) -> str:
        """Value of Slicer's ``TerminologyEntry`` tag: seven parts, no anatomy."""
        side = "^^" if self.modifier is None else str(self.modifier)
        parts = (self.context, self.category, self.code, side, ANATOMY_LIST, "^^", "^^")
        return "~".join(str(part) for part in parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; colours as bytes, codes as (scheme, value, meaning)."""
        code, category, side = self.code, self.category, self.modifier
        return {
            "name": self.name,
            "color": [round(255 * channel) for channel in self.color],
            "code": [code.scheme, code.value, code.meaning],
            "category": [category.scheme, category.value, category.meaning],
            "modifier": None if side is None else [side.scheme, side.value, side.meaning],
            "context": self.context,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClassTerm:
        """The inverse of :meth:`to_dict`; ValueError, KeyError or TypeError for anything else."""
        red, green, blue = (float(channel) / 255 for channel in values["color"])
        if not all(0 <= channel <= 1 for channel in (red, green, blue)):
            raise ValueError(f"a colour of {values['color']}")
        side, context = values.get("modifier"), values.get("context", GENERAL_LIST)
        return cls(
            _text(values["name"]),
            (red, green, blue),
            _code(values["code"]),
            _code(values["category"]),
            None if side is None else _code(side),
            context if context in _LISTS else GENERAL_LIST,
        )


Term = ClassTerm | TumourType


def category_of(term: Term) -> Code:
    """The category that a term is in."""
    return term.category if isinstance(term, ClassTerm) else MORPHOLOGICALLY_ALTERED


@dataclass(frozen=True)
class Organ:
    """A row of the table: what is known of a structure.

    Attributes:
        names: in normal form (see :func:`plain_name`), without a side; the first is the usual one.
        code, category, context: see :class:`ClassTerm`.
        rgb: Slicer's colour, 0 to 255.
        sided: whether there is a right and a left one.
    """

    names: tuple[str, ...]
    code: Code
    rgb: tuple[int, int, int]
    sided: bool = False
    category: Code = ANATOMICAL
    context: str = GENERAL_LIST


def _organ(
    names: str, value: str, meaning: str, rgb: tuple[int, int, int], sided: bool = False
) -> Organ:
    return Organ(tuple(names.split(", ")), Code("SCT", value, meaning), rgb, sided)


_VEIN, _ARTERY = (0, 151, 206), (216, 101, 79)
_MUSCLE, _TOOL = (206, 111, 93), (220, 245, 20)

ORGANS: tuple[Organ, ...] = (
    _organ("spleen", "78961009", "Spleen", (157, 108, 162)),
    _organ("kidney, covered kidney, kidney parenchyma", "64033007", "Kidney", (185, 102, 83), True),
    _organ("gallbladder, gall bladder", "28231008", "Gallbladder", (139, 150, 98)),
    _organ("oesophagus, esophagus, gullet", "32849002", "Esophagus", (211, 171, 143)),
    _organ("liver", "10200004", "Liver", (221, 130, 101)),
    _organ("stomach", "69695003", "Stomach", (216, 132, 105)),
    _organ("aorta", "15825003", "Aorta", (224, 97, 76)),
    _organ(
        "inferior vena cava, ivc, postcava, vena cava inferior",
        "64131007",
        "Inferior vena cava",
        (0, 147, 202),
    ),
    Organ(
        (
            "portal and splenic vein",
            "portal vein and splenic vein",
            "portal and splenic veins",
            "portal vein splenic vein",
        ),
        Code("SCT", "110765007", "Portal vein and splenic vein"),
        _VEIN,
        context=DICOM_LIST,
    ),
    _organ("pancreas", "15776009", "Pancreas", (249, 180, 111)),
    _organ(
        "adrenal gland, adrenal glands, adrenal, adrenals, suprarenal gland, suprarenal glands",
        "23451007",
        "Adrenal gland",
        (249, 186, 150),
        True,
    ),
    _organ("duodenum", "38848004", "Duodenum", (255, 253, 229)),
    _organ("bladder, urinary bladder", "89837001", "Urinary bladder", (222, 154, 132)),
    _organ("prostate, prostate gland", "41216001", "Prostate", (230, 158, 140)),
    _organ("uterus, womb", "35039007", "Uterus", (255, 181, 158)),
    Organ(
        ("prostate or uterus", "prostate uterus"),
        Code("SCT", "113343008", "Organ"),
        (221, 130, 101),
        category=TISSUE,
    ),
    Organ(
        ("pancreas tumour", "pancreas tumor", "pancreatic tumour", "pancreatic tumor"),
        Code("SCT", "108369006", "Neoplasm"),
        (238, 154, 90),
        category=MORPHOLOGICALLY_ALTERED,
        context=DICOM_LIST,
    ),
    _organ(
        "small intestine, small bowel", "30315005", "Small Intestine", (205, 167, 142)
    ),
    _organ("colon, large bowel", "71854001", "Colon", (204, 168, 143)),
    _organ("lung", "39607008", "Lung", (197, 165, 145), True),
    _organ("lung upper lobe, upper lobe of lung", "45653009", "Upper lobe of lung",
           (172, 138, 115), True),
    _organ("lung lower lobe, lower lobe of lung", "90572001", "Lower lobe of lung",
           (224, 186, 162), True),
    _organ("lung middle lobe, middle lobe of lung", "72481006", "Middle lobe of right lung",
           (202, 164, 140)),
    _organ("trachea, windpipe", "44567001", "Trachea", (182, 228, 255)),
    _organ("heart", "80891009", "Heart", (206, 110, 84)),
    _organ("brain", "12738006", "Brain", (250, 250, 225)),
    _organ("spinal cord", "2748008", "Spinal cord", (244, 214, 49)),
    _organ("skull", "89546000", "Skull", (241, 213, 144)),
    _organ("sternum", "56873002", "Sternum", (244, 217, 154)),
    _organ("sacrum", "54735007", "Sacrum", (212, 188, 102)),
    _organ("clavicle, clavicula", "51299004", "Clavicle", (205, 179, 108), True),
    _organ("scapula", "79601000", "Scapula", (198, 175, 125), True),
    _organ("humerus", "85050009", "Humerus", (198, 175, 125), True),
    _organ("femur", "71341001", "Femur", (255, 238, 170), True),
    _organ("hip", "29836001", "Hip", (217, 198, 131), True),
    _organ("iliac artery, common iliac artery", "73634005", "Common iliac artery", _ARTERY, True),
    _organ("iliac vein, iliac vena, common iliac vein", "46027005", "Common iliac vein", _VEIN,
           True),
    _organ("pulmonary artery", "81040000", "Pulmonary artery", (0, 122, 171)),
    _organ("pulmonary vein", "122972007", "Pulmonary vein", (186, 77, 64)),
    _organ("iliopsoas", "68455001", "Iliopsoas muscle", _MUSCLE, True),
    _organ("autochthon", "244849004", "Deep muscle of back", (188, 95, 76), True),
    _organ("gluteus maximus", "181674001", "Gluteus maximus muscle", _MUSCLE, True),
    _organ("gluteus medius", "78333006", "Gluteus medius muscle", _MUSCLE, True),
    _organ("gluteus minimus", "75297007", "Gluteus minius muscle", _MUSCLE, True),
    *(
        Organ((name,), OBJECT, _TOOL, category=OBJECT, context=DICOM_LIST)
        for name in (
            *("instrument shaft", "instrument clasper", "instrument wrist", "thread", "clamps"),
            *("suturing needle", "suction instrument", "ultrasound probe"),
        )
    ),
)  # fmt: skip

# fmt: off
_VERTEBRAE = {
    "C1": "14806007", "C2": "39976000", "C3": "113205007", "C4": "5329002",
    "C5": "36978003", "C6": "36054005", "C7": "87391001",
    "T1": "64864005", "T2": "53733008", "T3": "1626008", "T4": "73071006",
    "T5": "56401006", "T6": "45296009", "T7": "62487009", "T8": "11068009",
    "T9": "82687006", "T10": "7610001", "T11": "12989004", "T12": "23215003",
    "L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002",
    "L5": "49668003",
}
# fmt: on
_SPINE = {"c": (255, 255, 207), "t": (226, 202, 134), "l": (212, 188, 102)}


def _by_name() -> dict[str, Organ]:
    found = {name: organ for organ in ORGANS for name in organ.names}
    for level, value in _VERTEBRAE.items():
        short = level.lower()
        names = (f"vertebrae {short}", f"vertebra {short}", f"{short} vertebra", short)
        organ = Organ(names, Code("SCT", value, f"{level} vertebra"), _SPINE[short[0]])
        found |= dict.fromkeys(names, organ)
    return found


_BY_NAME = _by_name()


def plain_name(name: str) -> tuple[str, str]:
    """A name in normal form, and the side in it or an empty text.

    >>> plain_name("Kidney_Left")
    ('kidney', 'left')
    """
    words = re.findall(r"[^\W_]+", name.casefold())
    sides = [word for word in words if word in SIDES]
    side = sides[0] if len(sides) == 1 else ""
    return " ".join(word for word in words if word != side), side


def term_of(name: str, place: int = 0) -> ClassTerm:
    """What a class's name says that it is, as far as the table knows it.

    Args:
        name: in any case, with blanks, hyphens or underscores.
        place: of the class in its model, from 0: chooses a colour where the table has none.
    """
    plain, side = plain_name(name)
    organ = _BY_NAME.get(plain)
    if organ is None:
        return ClassTerm(name, LESION_COLORS[place % len(LESION_COLORS)])
    red, green, blue = (channel / 255 for channel in organ.rgb)
    modifier = SIDES[side] if side and organ.sided else None
    return ClassTerm(name, (red, green, blue), organ.code, organ.category, modifier, organ.context)


def has_sides(name: str) -> bool:
    """Whether the table knows a right and a left one of what a name says."""
    organ = _BY_NAME.get(plain_name(name)[0])
    return organ is not None and organ.sided


def terms_of(names: Sequence[str]) -> tuple[ClassTerm, ...]:
    """A term for each name, in order."""
    return tuple(term_of(name, place) for place, name in enumerate(names))


def _code(values: Any) -> Code:
    scheme, value, meaning = values
    return Code(_text(scheme), _text(value), _text(meaning))


def _text(value: Any) -> str:
    """A text without what Slicer's tags and terminology entries are divided by."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} where a text is expected")
    return re.sub(r"[~^|\x00-\x1f]", " ", value).strip()
