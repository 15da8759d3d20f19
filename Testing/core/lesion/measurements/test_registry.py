"""A new measurement is one file and one line: it then stands wherever measurements stand."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from masam_core.export.measurements import COLUMNS, TEXT_COLUMNS
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.measure import Measurements, measure
from masam_core.lesion.measurements import registry
from masam_core.lesion.measurements.measurement import Measurement, Quantity
from Testing.conftest import ROOT

NEW_FILE = """
from masam_core.lesion.measurements.measurement import Column, Listed, Measurement, Quantity


def _fill(region):
    return {"filled": region.voxels / region.mask.size, "first": tuple(region.first_ijk.tolist())}


MEASUREMENT = Measurement(
    (
        Quantity("filled", "%", "Share of its box that it fills.", listed=Listed("Filled", 2)),
        Quantity("first", "", "First voxel.", columns=(Column("first", str, text=True),)),
    ),
    _fill,
)
"""
# Stands for the one line in the registry, and then asks everything that measurements reach.
SCRIPT = """
import csv, json, sys
from pathlib import Path
import numpy as np
import filled
from masam_core.lesion.measurements import registry
registry.MEASUREMENTS += (filled.MEASUREMENT,)

from masam_core.export.measurements import TEXT_COLUMNS, measurement_rows, write_measurements
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.lesion.lesion import Lesion
from masam_core.lesion.measure import Measurements, measure
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker.protocol import pack_mask
from masam_core.worker.requests import Requests

array = np.zeros((4, 5, 6), dtype=np.int16)
volume = Volume(array, Geometry.from_spacing(array.shape, (1.0, 1.0, 2.0)))
mask = np.ones((2, 2, 2), dtype=bool)
mask[0, 0, 0] = mask[1, 1, 1] = False
requests = Requests()
requests.volumes.get = lambda _: volume
message = {"type": "measure", "volume": "x", "mask": pack_mask(mask, (1, 2, 3))}
answer = requests.answer(message, None, None)["measurements"]
found = measure(mask, (1, 2, 3), volume)
box = BoxPrompt.from_voxels(3, 4, 2, 3, 1, 2)
lesions = [
    Lesion(name, mask, (1, 2, 3), None, 0.5, box, volume.geometry, m)
    for name, m in (("a", found), ("none", Measurements()))
]
write_measurements(Path(sys.argv[1]), measurement_rows(lesions, volume))
(listed,) = [q for q in registry.listed_quantities() if q.name == "filled"]
print(json.dumps({
    "worker": answer,
    "attribute": found.filled,
    "back": Measurements.from_dict(json.loads(json.dumps(answer))) == found,
    "text": "first" in TEXT_COLUMNS and "filled" not in TEXT_COLUMNS,
    "list": [listed.heading(), listed.text(found.filled), listed.text(None)],
    "csv": list(csv.DictReader(open(sys.argv[1], encoding="utf-8-sig"))),
}))
"""


def test_a_new_measurement_reaches_table_worker_json_and_lists(tmp_path: Path) -> None:
    (tmp_path / "filled.py").write_text(NEW_FILE)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "out.csv")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["worker"]["filled"], said["worker"]["first"]) == (0.75, [3, 2, 1])
    assert (said["attribute"], said["back"], said["text"]) == (0.75, True, True)
    assert said["list"] == ["Filled %", "0.75", ""]
    rows = said["csv"]
    assert [(row["filled"], row["first"]) for row in rows] == [("0.75", "(3, 2, 1)"), ("", "")]
    assert list(rows[0])[-9:-7] == ["filled", "first"]  # after the others, before the unit


def test_the_columns_of_the_table_begin_with_those_of_the_first_release() -> None:
    """Spreadsheets and scripts of users refer to them."""
    assert (
        *("image", "lesion", "volume_ml", "longest_diameter_mm", "perpendicular_diameter_mm"),
        *("diameter_plane", "diameter_axis", "diameter_slice", "voxels", "surface_area_mm2"),
        *("bounding_box_i_mm", "bounding_box_j_mm", "bounding_box_k_mm"),
        *("centroid_l_mm", "centroid_p_mm", "centroid_s_mm"),
        *("mean", "sd", "minimum", "maximum", "intensity_unit"),
        *("confidence", "model", "messages"),
        *("cuts", "looked_mm", "prompts"),
    ) == COLUMNS
    words = {"image", "lesion", "diameter_plane", "diameter_axis", "intensity_unit", "model"}
    assert {*words, "messages", "cuts", "prompts"} == TEXT_COLUMNS


def test_every_quantity_is_explained_once() -> None:
    names = [quantity.name for quantity in registry.quantities()]
    assert len(set(names)) == len(names)
    assert all(quantity.about.endswith(".") for quantity in registry.quantities())
    unit = {"ml": "_ml", "mm": "_mm", "mm²": "_mm2"}
    for quantity in registry.quantities():
        if quantity.unit and not quantity.name.endswith("_lps"):
            assert quantity.name.endswith(unit[quantity.unit])


def test_a_measurement_that_gives_something_else_than_it_states_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = Measurement((Quantity("right", "", "Right."),), lambda region: {"wrong": 1.0})
    monkeypatch.setattr(registry, "MEASUREMENTS", (wrong,))
    array = np.ones((2, 2, 2), dtype=np.int16)
    volume = Volume(array, Geometry.from_spacing(array.shape, (1.0, 1.0, 1.0)))
    with pytest.raises(ValueError, match=r"states \['right'\] but gives \['wrong'\]"):
        measure(array > 0, (0, 0, 0), volume)


def test_measurements_are_a_mapping_with_attributes() -> None:
    found = Measurements.from_dict({"voxels": 3, "of_a_newer_worker": [1, 2]})
    assert (found.voxels, found["volume_ml"], found.mean) == (3, 0.0, None)
    assert found.of_a_newer_worker == (1, 2)
    with pytest.raises(AttributeError, match="no measurement 'volume'"):
        _ = found.volume
    for other in (copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert other == found
    assert "voxels" in dir(found)
    assert "voxels=3" in repr(found)
