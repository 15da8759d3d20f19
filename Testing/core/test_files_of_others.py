"""Settings, configurations and weights that others wrote: a sentence for whatever is in them."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from masam_core.data.layouts import decathlon, index_csv, json_list
from masam_core.errors import CheckpointError, ConfigError
from masam_core.inference.device import choose_device
from masam_core.lesion.cleaning_options import PostprocessOptions
from masam_core.model.checkpoint import inspect_checkpoint
from masam_core.model.config import ModelConfig
from masam_core.model.state_files import read_state

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ModelConfig().to_dict())), VALUES, max_size=4))
def test_a_model_configuration_is_one_or_a_sentence(values):
    try:
        config = ModelConfig.from_dict(values)
    except ConfigError:
        return
    assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("num_classes", 10**9, "num_classes is 1000000000; expected 1 to 255"),
        ("num_slices", 10**6, "expected 1 to 64"),
        ("image_size", 14 * 10**6, "expected 1 to 4096"),
        ("fact_rank", 10**6, "expected 0 to 4096"),
        ("adapter_width", 10**7, "expected 1 to 8192"),
        ("detail_width", 10**7, "expected 0 to 4096"),
        ("num_classes", "many", "num_classes is 'many'; expected a whole number"),
        ("name", 5, "name is 5; expected text"),
        ("class_names", "abc", "class_names is 'abc'; expected a list"),
        ("pixel_std", [1, 2], r"pixel_std is \[1, 2\]; expected a list of 3"),
        ("intensity", {"CT": {"kind": "x" * 500}}, "."),
    ],
)
def test_an_entry_of_a_configuration_is_bounded_and_typed(entry, value, words):
    with pytest.raises(ConfigError, match=words) as caught:
        ModelConfig.from_dict({entry: value})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", "1" * 5000, '{"name": NaN}', ""])
def test_a_configuration_that_is_no_json_is_told(text):
    with pytest.raises(ConfigError, match="model configuration"):
        ModelConfig.from_json(text)


@pytest.mark.parametrize("config", ["[" * 100_000, '{"num_classes": 1000000000}', "5", '{"a": 1}'])
def test_a_weight_file_with_a_bad_configuration_is_told(tmp_path, config):
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"config": config, "masam": config})
    with pytest.raises((CheckpointError, ConfigError)):
        inspect_checkpoint(path)


@pytest.mark.parametrize(
    "change", [{"num_classes": 0}, {"nane": 1}, {"intensity": {"CT": {"low": 9}}}]
)
def test_a_configuration_in_a_weight_file_that_can_not_be_is_told_with_the_files_name(
    tmp_path, change
):
    path = tmp_path / "a.safetensors"
    config = json.dumps(ModelConfig().to_dict() | change)
    metadata = {"masam_format": "1", "part": "whole", "config": config}
    save_file({"a": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(CheckpointError, match=r"a\.safetensors can't be used\. \S"):
        inspect_checkpoint(path)


def test_an_unknown_entry_is_told_with_those_of_its_own_group():
    with pytest.raises(ConfigError, match=r"'intensity\.CT\.wings'; known are kind, "):
        ModelConfig.from_dict({"intensity": {"CT": {"wings": 1}}})


def test_a_weight_file_that_claims_more_than_the_memory_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(3)}, path)

    def full(*_given, **_more):
        raise MemoryError

    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(CheckpointError, match=r"a\.pth is damaged, or holds more than the memory"):
        read_state(path)


def _weights(kind, path):
    if kind == "old":  # of a torch that did not pack its files yet
        torch.save({"a": torch.zeros(3)}, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes()[:-20])
    elif kind == "pickled":
        path.write_bytes(pickle.dumps({"a": [1, 2]}))
    elif kind == "other archive":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a.txt", "hello")
    elif kind == "no pickle":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("archive/data.pkl", b"\x80\x02\xff\xff")
            packed.writestr("archive/version", b"3")
    else:
        path.write_bytes(b"\x80" + kind.encode() + bytes(99))


@pytest.mark.parametrize(
    "kind",
    ["old", "pickled", "other archive", "no pickle", "\x02}", "\x04\x95", "\x02cos\nsystem\n"],
)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_weight_file_that_is_none_is_told(tmp_path, kind):
    path = tmp_path / "old.pth"
    _weights(kind, path)
    with pytest.raises(CheckpointError, match=r"old\.pth"):
        read_state(path)


@pytest.mark.parametrize(
    "header",
    [b"[" * 5000, b"{" * 5000, b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99]}}', b"{}x"],
)
def test_a_safetensors_header_that_is_none_is_told(tmp_path, header):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        read_state(path)


@pytest.mark.parametrize(
    "device", ["meta", "xla", "vulkan", "cuda:-1", "cuda:99999999999999999999", "", "[/x]", "cpu:x"]
)
def test_a_device_that_computes_nothing_is_refused(device):
    with pytest.raises(ConfigError, match=r"[Dd]evice|GPU"):
        choose_device(device)


@pytest.mark.parametrize("value", [1e9, -1, float("inf"), float("nan")])
def test_smoothing_beyond_all_bounds_is_refused(value):
    with pytest.raises(ConfigError, match="0 to 10 mm"):
        PostprocessOptions(smooth_mm=value)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", "[5]", '[{"case": [1], "patient": 1, "split": ""}]']
)
def test_a_json_list_of_cases_is_one_or_a_sentence(tmp_path, text):
    path = tmp_path / "list.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"list\.json"):
        json_list.read(path)


def test_a_json_list_with_a_mark_and_numbers_is_read(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"case": 7, "patient": 8, "split": None}]), "utf-8-sig")
    (case,) = json_list.read(path)
    assert (case.name, case.patient, case.image) == ("7", "8", tmp_path / "7" / "image.nii.gz")


def test_training_pairs_must_be_paths(tmp_path):
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({"training": [{"image": 5, "label": "b"}]}))
    with pytest.raises(ConfigError, match=r"dataset\.json: 'image' and 'label'"):
        decathlon.read(path)
    path.write_text("[" * 100_000)
    assert not decathlon.recognise(path)


def test_a_case_list_of_a_german_excel_is_read(tmp_path):
    path = tmp_path / "index.csv"
    path.write_text("case;patient;split\r\na;p1;val\r\n", "utf-8-sig")
    assert index_csv.recognise(tmp_path)
    assert [(c.name, c.split) for c in index_csv.read(tmp_path)] == [("a", "val")]


@pytest.mark.parametrize(
    "text",
    [
        "a: [" * 5000,
        "steps: 2024-99-99",
        "? {a: 1}\n: 2",
        "steps: " + "1" * 5000,
        "&a [*a]",
        "steps: &a [*a, *a]",
        "\x00",
        "!!python/object:os.system x",
        "steps: {1: 2}",
    ],
)
def test_a_yaml_configuration_is_one_or_a_sentence(tmp_path, text):
    pytest.importorskip("yaml", reason="the extra 'train' is not installed")
    from masam_core.training.layers import read_yaml

    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"run\.yaml") as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 2000
