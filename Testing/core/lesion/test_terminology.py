"""The terminology entry in the seven parts that Slicer documents."""

from __future__ import annotations

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


def test_codes_are_verhoeff_checked_snomed_identifiers():
    """The last digit of every SNOMED CT identifier checks the rest (Verhoeff, 1969)."""
    multiply = [[0] * 10 for _ in range(10)]
    for a in range(10):
        for b in range(10):
            # The dihedral group of order 10: rotations 0-4, reflections 5-9.
            turn = (a + b if a < 5 else a - b) % 5
            multiply[a][b] = turn + 5 * ((a >= 5) != (b >= 5))
    permute = [list(range(10)), [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
    for _ in range(6):
        permute.append([permute[-1][permute[1][n]] for n in range(10)])
    for kind in TUMOUR_TYPES.values():
        check = 0
        for place, digit in enumerate(reversed(kind.code.value)):
            check = multiply[check][permute[place % 8][int(digit)]]
        assert check == 0, kind


def test_colours_of_neighbouring_lesions_differ_and_repeat_only_after_the_last():
    colors = [lesion_color(n) for n in range(len(LESION_COLORS))]
    assert len(set(colors)) == len(LESION_COLORS)
    assert lesion_color(len(LESION_COLORS)) == MASS.color
