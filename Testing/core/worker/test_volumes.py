"""Volumes arrive in parts and leave when memory is short."""

from __future__ import annotations

import numpy as np
import pytest

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume
from masam_core.worker.steps import parts
from masam_core.worker.volumes import VolumeStore


def give(store: VolumeStore, array: np.ndarray, size: int = 50) -> Volume:
    volume = Volume(array, Geometry.from_spacing(array.shape), "MR", "scan")
    little = array.dtype.newbyteorder("<").str
    known = store.announce(
        volume.content_hash, array.shape, little, volume.geometry, "MR", volume.name
    )
    if not known:
        done = [store.add_part(volume.content_hash, o, d) for o, d in parts(array, size)]
        assert done == [False] * (len(done) - 1) + [True]
    return volume


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<f4", ">f8", "u1", "?"])
def test_values_arrive_as_they_were(dtype: str) -> None:
    array = (np.arange(5 * 6 * 7).reshape(5, 6, 7) % 90).astype(dtype)
    store = VolumeStore()
    sent = give(store, array)
    got = store.get(sent.content_hash)
    assert got is not None
    assert np.array_equal(got.array, array)
    assert got.modality == "MR"
    assert got.geometry.same_grid(sent.geometry)


def test_a_view_with_strides_arrives_too() -> None:
    array = np.arange(8 * 6 * 4, dtype=np.int32).reshape(8, 6, 4)[::-2, ::-1, 1:]
    store = VolumeStore()
    got = store.get(give(store, array).content_hash)
    assert got is not None
    assert np.array_equal(got.array, array)


def test_the_oldest_leaves_when_there_is_no_room() -> None:
    store = VolumeStore(limit_bytes=2 * 5 * 6 * 7)
    first, second, third = (give(store, np.full((5, 6, 7), value, np.uint8)) for value in (1, 2, 3))
    assert store.get(first.content_hash) is None
    assert store.get(second.content_hash) is not None
    assert store.get(third.content_hash) is not None


def test_a_volume_too_large_is_refused_before_it_is_sent() -> None:
    with pytest.raises(VolumeError, match="GB"):
        give(VolumeStore(limit_bytes=10), np.zeros((5, 6, 7), np.uint8))


@pytest.mark.parametrize(
    "dtype", ["O", "<c8", "S4", "nonsense", ",", "f4,f4", "(2,2)f4", "{'names': 1}"]
)
def test_values_that_are_no_numbers_are_refused(dtype: str) -> None:
    with pytest.raises(VolumeError, match="type"):
        VolumeStore().announce("h", (1, 1, 1), dtype, Geometry.from_spacing((1, 1, 1)), None, "x")


def test_parts_out_of_order_are_refused_and_the_volume_can_be_sent_again() -> None:
    store = VolumeStore()
    array = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
    geometry = Geometry.from_spacing(array.shape)
    assert not store.announce("h", array.shape, "u1", geometry, None, "x")
    store.add_part("h", 0, b"abc")
    with pytest.raises(VolumeError, match="out of order"):
        store.add_part("h", 6, b"abc")
    with pytest.raises(VolumeError, match="not announced"):
        store.add_part("h", 3, b"abc")
    assert not store.announce("h", array.shape, "u1", geometry, None, "x")
    assert store.add_part("h", 0, array.tobytes())


def test_a_known_volume_takes_a_new_name_and_modality() -> None:
    array = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
    store = VolumeStore()
    sent = give(store, array)
    assert store.announce(sent.content_hash, (5, 6, 7), "<i2", sent.geometry, "CT", "renamed")
    got = store.get(sent.content_hash)
    assert got is not None
    assert (got.modality, got.name, len(store)) == ("CT", "renamed", 1)
    assert vars(got)["content_hash"] == sent.content_hash
    assert np.array_equal(got.array, array)
