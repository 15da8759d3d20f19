"""Maps from label values to a model's classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from masam_core.data.label_names import known_maps, label_names, read_map, target_of
from masam_core.data.prepare import amos22, btcv
from masam_core.errors import ConfigError
from masam_core.training.presets import preset

CLASSES = preset("btcv")["model"]["class_names"]


def test_amos_organs_become_the_classes_of_btcv() -> None:
    target = target_of(CLASSES, read_map("amos-to-btcv"), "amos-to-btcv")
    amos = {name: value for value, name in enumerate(amos22.ORGANS, 1)}
    labels = np.arange(16)  # each AMOS label once
    classes = target.classes(labels, 12)
    for number, name in enumerate(CLASSES, 1):
        expected = {
            "portal and splenic vein": [],
            "adrenal glands": [amos["right adrenal gland"], amos["left adrenal gland"]],
        }.get(name, [amos.get(name)])
        assert labels[classes == number].tolist() == expected, name
    # Duodenum, bladder, prostate: no class of BTCV's.
    assert not classes[[13, 14, 15]].any()


@pytest.mark.parametrize("names", [CLASSES, btcv.ORGANS])
def test_btcv_fits_models_with_one_adrenal_class_or_two(names: tuple[str, ...]) -> None:
    target = target_of(names, read_map("btcv"), "btcv")
    classes = target.classes(np.arange(14), len(names))
    assert classes[1:13].tolist() == list(range(1, 13))
    assert classes[13] == len(names)
    merged = preset("btcv")["target"]
    if len(names) == 12:
        assert (target.labels, target.merged) == (merged["labels"], merged["merged"])


def test_maps_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    assert known_maps() == ("amos-to-btcv", "btcv")
    with pytest.raises(ConfigError, match="no map 'amos'; expected amos-to-btcv, btcv"):
        read_map("amos")
    own = tmp_path / "own.yaml"
    for text in ("- 1\n", "liver: 6\n", "liver: [0]\n", "liver: [a]\n", ""):
        own.write_text(text)
        with pytest.raises(ConfigError, match="is no map"):
            read_map(str(own))
    own.write_text("liver: [6]\nspleen: [6]\n")
    values = read_map(str(own))
    with pytest.raises(ConfigError, match="the label value 6 to two classes"):
        target_of(["liver", "spleen"], values, "own")
    with pytest.raises(ConfigError, match="says nothing of the model's kidney"):
        target_of(["liver", "kidney"], values, "own")
    assert target_of(["liver"], values, "own").labels == (6,)


def test_a_prepared_data_set_names_its_labels(tmp_path: Path) -> None:
    assert label_names(tmp_path) == {}
    (tmp_path / "labels.json").write_text('[{"value": 2, "name": "tumour"}]')
    assert label_names(tmp_path) == label_names(tmp_path / "index.csv") == {2: "tumour"}
    (tmp_path / "labels.json").write_text('["tumour"]')
    with pytest.raises(ConfigError, match="no list of labels"):
        label_names(tmp_path)
