"""The terminology entry in the seven parts that Slicer documents."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.lesion.terminology import LESION_COLORS, MASS, TUMOUR_TYPES, lesion_color


def test_the_entry_of_a_mass_is_the_one_in_slicers_documentation():
    # Slicer's developer guide, "TerminologyEntry tag", without the adrenal gland.
    assert MASS.entry == (
        "Segmentation category and type - 3D Slicer General Anatomy list"
        "~SCT^49755003^Morphologically Altered Structure"
        "~SCT^4147007^Mass"
        "~^^"
        "~Anatomic codes - DICOM master list"
        "~^^"
        "~^^"
    )


@pytest.mark.parametrize("kind", TUMOUR_TYPES.values(), ids=TUMOUR_TYPES.keys())
def test_every_entry_has_seven_parts_and_survives_a_tag(kind):
    parts = kind.entry.split("~")
    assert len(parts) == 7
    assert [part.count("^") for part in parts] == [0, 2, 2, 2, 0, 2, 2]
    assert "|" not in kind.entry
    assert kind.code.value.isdigit()
    assert all(0 <= channel <= 1 for channel in kind.color)


def verhoeff(identifier: str) -> int:
    """0 where the last digit of a SNOMED CT identifier checks the rest (Verhoeff, 1969)."""
    multiply = [[0] * 10 for _ in range(10)]
    for a in range(10):
        for b in range(10):
            # The dihedral group of order 10: rotations 0-4, reflections 5-9.
            turn = (a + b if a < 5 else a - b) % 5
            multiply[a][b] = turn + 5 * ((a >= 5) != (b >= 5))
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permute.append([permute[-1][permute[1][n]] for n in range(10)])
    check = 0
    for place, digit in enumerate(reversed(identifier)):
        check = multiply[check][permute[place % 8][int(digit)]]
    return check


def test_codes_are_verhoeff_checked_snomed_identifiers():
    for kind in TUMOUR_TYPES.values():
        assert verhoeff(kind.code.value) == 0, kind


def test_colours_of_neighbouring_lesions_differ_and_repeat_only_after_the_last():
    colors = [lesion_color(n) for n in range(len(LESION_COLORS))]
    assert len(set(colors)) == len(LESION_COLORS)
    assert lesion_color(len(LESION_COLORS)) == MASS.color


# Linear RGB as seen without long (protanopia) and medium (deuteranopia) wavelength cones: Machado,
# Oliveira and Fernandes, IEEE TVCG 15(6), 2009, severity 1.
SEEN = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def lab(colors: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* (D65) of sRGB colours (n, 3) between 0 and 1, as an eye sees them."""
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = np.clip(linear @ seen.T, 0, 1) @ to_xyz.T / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


@pytest.mark.parametrize("eye", SEEN)
def test_colours_are_told_apart_by_eyes_that_lack_a_kind_of_cones(eye):
    """23 is ten times the difference that is just noticed (CIE76, about 2.3)."""
    found = lab(np.array(LESION_COLORS), SEEN[eye])
    apart = np.linalg.norm(found[:, None] - found[None], axis=-1)
    assert apart[~np.eye(len(found), dtype=bool)].min() > 23
    # Against lung and air (black) and bright fat (white, where outlines have a dark rim).
    assert found[:, 0].min() > 50
    assert np.linalg.norm(found - [100, 0, 0], axis=1).min() > 15
