"""Masks of other programs are found by the case's name, or by that of the owner's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from masam_core.data.cases import Case
from masam_core.errors import ConfigError
from masam_core.evaluation.predictions import find_predictions


def prepared(folder: Path, name: str, owners: str) -> Case:
    """A case as `masam prepare` leaves it: which file of the owner's it was made of."""
    (folder / name).mkdir(parents=True)
    files = [[f"{owners}.nii.gz", 9], [f"{owners}_segmentation.nii.gz", 9]]
    (folder / name / "source.json").write_text(json.dumps({"files": files}))
    image, label = folder / name / "image.nii.gz", folder / name / "label.nii.gz"
    return Case(name, name, "MR", "test", image, label)


def test_one_mask_is_not_taken_for_two_sites_case_of_the_same_number(tmp_path: Path) -> None:
    """Case03 is a patient of RUNMC, and another of BMC."""
    cases = [prepared(tmp_path / "data", f"site{s}_03", "Case03") for s in "AB"]
    masks = tmp_path / "nnunet"
    masks.mkdir()
    (masks / "Case03.nii.gz").write_bytes(b"")
    assert find_predictions(masks, cases[:1]) == {"siteA_03": masks / "Case03.nii.gz"}
    with pytest.raises(ConfigError, match=r"Case03\.nii\.gz could be .* siteA_03 and of siteB_03"):
        find_predictions(masks, cases)
    (masks / "siteB_03.nii.gz").write_bytes(b"")
    found = find_predictions(masks, cases)
    assert [found[c.name].name for c in cases] == ["Case03.nii.gz", "siteB_03.nii.gz"]
