"""Names of organs against DICOM's own dictionary of SNOMED CT codes."""

from __future__ import annotations

import json

import pytest

from masam_core.data.prepare.registry import DATASETS
from masam_core.errors import ConfigError
from masam_core.lesion.choosing import choose_classes
from masam_core.lesion.organs import (
    ORGANS,
    SIDES,
    TISSUE,
    ClassTerm,
    plain_name,
    term_of,
    terms_of,
)
from Testing.core.lesion.test_terminology import verhoeff

BTCV = tuple(next(d for d in DATASETS if d.name == "btcv").classes.values())


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_class_of_a_public_data_set_is_in_the_table(dataset):
    for name in dataset.classes.values():
        term = term_of(name)
        assert term.name == name
        assert term.code != TISSUE, name
        _, side = plain_name(name)
        assert term.modifier == SIDES.get(side)


def test_codes_are_snomed_identifiers_and_names_are_told_apart():
    codes = [organ.code for organ in ORGANS] + [term_of(f"T{n}").code for n in range(1, 13)]
    for code in codes:
        assert verhoeff(code.value) == 0, code
    names = [name for organ in ORGANS for name in organ.names]
    assert len(names) == len(set(names))
    assert all(plain_name(name) == (name, "") for name in names)


def test_meanings_are_those_of_the_dicom_dictionary():
    codes = pytest.importorskip("pydicom.sr.codedict").codes
    words = ("Spleen", "Kidney", "Gallbladder", "Esophagus", "Stomach", "Pancreas", "Duodenum")
    for word in (*words, "AdrenalGland", "InferiorVenaCava", "Prostate", "Uterus", "Liver"):
        known = getattr(codes.SCT, word)
        term = term_of(known.meaning.replace("structure", ""))
        assert (term.code.scheme, term.code.value) == ("SCT", known.value), word


def test_an_entry_has_slicers_seven_parts_with_the_side():
    # As in Slicer's developer guide, "TerminologyEntry tag", of a right adrenal gland.
    assert term_of("Adrenal_Gland_Right").entry == (
        "Segmentation category and type - 3D Slicer General Anatomy list"
        "~SCT^123037004^Anatomical Structure"
        "~SCT^23451007^Adrenal gland"
        "~SCT^24028007^Right"
        "~Anatomic codes - DICOM master list~^^~^^"
    )
    assert [round(255 * c) for c in term_of("liver").color] == [221, 130, 101]


def test_a_term_survives_json_and_what_is_damaged_is_refused():
    for term in (*terms_of(BTCV), term_of("no such organ", 3)):
        again = ClassTerm.from_dict(json.loads(json.dumps(term.to_dict())))
        assert again.entry == term.entry
        assert again.color == pytest.approx(term.color, abs=1 / 255)
    good = term_of("liver").to_dict()
    for change in ({"color": [1, 2]}, {"color": [1, 2, 999]}, {"code": "x"}, {"name": ""}):
        with pytest.raises((ValueError, TypeError)):
            ClassTerm.from_dict({**good, **change})
    bad = {**good, "name": "liver|a~b^c", "context": "elsewhere"}
    assert ClassTerm.from_dict(bad).entry.count("~") == 6
    assert ClassTerm.from_dict(bad).name == "liver a b c"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["liver"], ["liver"]),
        (["Esophagus", "SPLEEN"], ["spleen", "oesophagus"]),
        (["kidney"], ["right kidney", "left kidney"]),
        (["kidney_left"], ["left kidney"]),
        (["adrenal glands"], ["right adrenal gland", "left adrenal gland"]),
        (["ivc"], ["inferior vena cava"]),
        ([], list(BTCV)),
    ],
)
def test_classes_are_chosen_by_names_and_synonyms_in_the_models_order(wanted, expected):
    chosen = choose_classes(terms_of(BTCV), wanted, "m")
    assert [BTCV[number - 1] for number in chosen] == expected


def test_classes_outside_the_table_are_chosen_by_their_names_alone():
    classes = terms_of(["class 1", "Inner Thing left", "inner-thing right"])
    assert choose_classes(classes, ["inner_thing LEFT"], "m") == [2]
    assert choose_classes(classes, ["inner thing"], "m") == [2, 3]
    assert choose_classes(classes, ["CLASS 1"], "m") == [1]


@pytest.mark.parametrize("word", ["prostate", "class 9", "", "left liver spleen"])
def test_an_unknown_class_is_refused_with_those_there_are(word):
    with pytest.raises(ConfigError, match=r"'m' knows no .*it knows spleen, right kidney"):
        choose_classes(terms_of(BTCV), ["liver", word], "m")


def test_another_instrument_or_side_is_not_taken_for_the_one_that_is_named():
    tools = terms_of(["instrument-shaft", "thread", "kidney parenchyma"])
    assert choose_classes(tools, ["Thread"], "m") == [2]
    for word in ("clamps", "ultrasound probe"):  # SNOMED CT has one code for all of them
        with pytest.raises(ConfigError, match=word):
            choose_classes(tools, [word], "m")
    with pytest.raises(ConfigError, match="left liver"):
        choose_classes(terms_of(BTCV), ["left liver"], "m")
