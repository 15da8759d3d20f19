"""Model files: safetensors whose header or configuration lies, and .pth that would run code."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import struct
import tempfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from hypothesis import strategies as st
from safetensors.torch import save

from masam_core.model.backbones import BACKBONES
from masam_core.model.checkpoint import inspect_checkpoint, load_model
from masam_core.model.config import ModelConfig
from Testing.core import tiny
from Testing.fuzz.injection import Injection, Kind, Place
from Testing.fuzz.mutate import NUMBERS, changed, damaged, odd_words
from Testing.fuzz.oracle import Leaks

# Made by a pickle that was run.
TRACE = str(Path(tempfile.gettempdir()) / f"masam-fuzz-ran-{os.getpid()}")
TINY = {tiny.NAME: tiny.SPEC}


def tiny_known() -> contextlib.AbstractContextManager[object]:
    """Makes the backbone of :func:`tiny_state` known for a while."""
    return mock.patch.dict(BACKBONES, TINY)


@cache
def tiny_state() -> tuple[dict[str, torch.Tensor], ModelConfig]:
    """Weights and configuration of a model of four small blocks."""
    with tiny_known():
        model = tiny.build(name="tiny", field_of_view="prompt")
        return model.state_dict(), model.config


@cache
def _safetensors() -> bytes:
    state, config = tiny_state()
    metadata = {"masam_format": "1", "masam_version": "0", "part": "whole"}
    return save(state, {**metadata, "config": config.to_json()})


@cache
def _torch(old: bool) -> bytes:
    out = BytesIO()
    state = {name: tensor for name, tensor in list(tiny_state()[0].items())[:6]}
    torch.save({"model": state}, out, _use_new_zipfile_serialization=not old)
    return out.getvalue()


class _Runs:
    """A pickle that would run a command."""

    def __reduce__(self) -> Any:
        return (Path(TRACE).touch, ())


@st.composite
def safetensors_files(draw: st.DrawFn) -> Injection:
    """Header, offsets, shapes, types, metadata or configuration changed, or bytes wrong."""
    whole = _safetensors()
    (length,) = struct.unpack("<Q", whole[:8])
    header, body = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    way = draw(st.sampled_from(("header", "tensor", "metadata", "config", "bytes", "length")))
    if way == "bytes":
        return Injection({"m.safetensors": draw(damaged(whole))}, "m.safetensors")
    names = sorted(set(header) - {"__metadata__"})
    if way == "tensor":
        entry = header[draw(st.sampled_from(names))]
        field = draw(st.sampled_from(sorted(entry)))
        entry[field] = draw(changed(entry[field]))
        if field == "dtype":
            entry[field] = draw(
                st.sampled_from(("F64", "I8", "BOOL", "F8_E4M3", "X", "BF16", "F16"))
            )
    elif way == "metadata":
        header["__metadata__"] = draw(changed(header["__metadata__"]))
    elif way == "config":
        values = json.loads(header["__metadata__"]["config"])
        header["__metadata__"]["config"] = json.dumps(draw(changed(values)))
    elif way == "header":
        name = draw(st.sampled_from(names))
        header[draw(odd_words())] = header.pop(name)
    text = json.dumps(header).encode()
    claimed = draw(st.sampled_from(NUMBERS)) % (1 << 64) if way == "length" else len(text)
    return Injection({"m.safetensors": struct.pack("<Q", claimed) + text + body}, "m.safetensors")


@st.composite
def torch_files(draw: st.DrawFn) -> Injection:
    """A .pth, of today's or of the old kind: bytes wrong, other objects in it, code in it."""
    objects = (
        _Runs(),
        {"model": _Runs()},
        [1],
        {"a": 1},
        {"state_dict": {}},
        "x",
        {1: torch.ones(2)},
    )
    way = draw(st.integers(0, 3))
    if way < 2:
        data = draw(damaged(_torch(bool(way))))
    else:
        chosen, out = draw(st.sampled_from(objects)), BytesIO()
        if way == 2:
            torch.save(chosen, out, _use_new_zipfile_serialization=draw(st.booleans()))
        else:
            out.write(pickle.dumps(chosen, protocol=draw(st.integers(0, 5))))
        data = draw(st.just(out.getvalue()) | damaged(out.getvalue()))
    return Injection({"m.pth": data}, "m.pth")


def load(place: Place, _injection: Injection) -> Any:
    """Look at a weight file, and load it, as every command does."""
    Path(TRACE).unlink(missing_ok=True)
    try:
        with tiny_known():
            inspect_checkpoint(place.target)
            load_model(place.target)
    finally:
        if Path(TRACE).exists():
            raise Leaks("code of a weight file was run")


KINDS = (
    Kind("safetensors", safetensors_files(), load, cost=6.0),
    Kind("pth files", torch_files(), load, cost=3.0),
)
