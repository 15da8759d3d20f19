"""The embedding cache never holds more bytes than it may."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from masam_core.inference.cache import EmbeddingCache
from masam_core.model.masam import Embedding


def embedding(floats: int, skip_floats: int = 0) -> Embedding:
    skips = [torch.zeros(skip_floats)] if skip_floats else []
    return Embedding(torch.zeros(floats), skips)


def test_bytes_count_image_and_skips() -> None:
    assert embedding(10, 5).bytes == 60


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 40)), max_size=40))
@settings(deadline=None, max_examples=100)
def test_limit_holds_and_the_newest_that_fits_is_there(items: list[tuple[int, int]]) -> None:
    cache = EmbeddingCache(limit_bytes=200)
    held: dict[int, int] = {}
    for key, floats in items:
        cache.put(key, embedding(floats))
        held[key] = 4 * floats
        assert cache.bytes <= 200
        assert (cache.get(key) is not None) == (4 * floats <= 200)
    alive = [k for k in held if cache.get(k) is not None]
    assert cache.bytes == sum(held[k] for k in alive)
    assert len(cache) == len(alive)


def test_least_recently_used_leaves_first() -> None:
    cache = EmbeddingCache(limit_bytes=80)
    cache.put("a", embedding(10))
    cache.put("b", embedding(10))
    assert cache.get("a") is not None
    cache.put("c", embedding(10))
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.get("c") is not None


def test_replacing_an_entry_counts_it_once() -> None:
    cache = EmbeddingCache(limit_bytes=400)
    cache.put("a", embedding(50))
    cache.put("a", embedding(20))
    assert cache.bytes == 80
    cache.clear()
    assert (cache.bytes, len(cache)) == (0, 0)
