"""Frames and masks: round trips, and garbage of every kind."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masam_core.worker.channel import READ_BYTES, widen_pipe
from masam_core.worker.measure_frame import ObjectEnd
from masam_core.worker.protocol import (
    MAX_BODY,
    Decoder,
    ProtocolError,
    encode,
    error_message,
    pack_mask,
    unpack_mask,
)

MESSAGES = [{"type": "hello", "id": 1, "protocol": 1}, {"type": "ok", "id": 2, "data": b"\x00MSAM"}]


def test_a_frame_is_marker_length_and_msgpack() -> None:
    frame = encode(MESSAGES[0])
    assert frame[:4] == b"MSAM"
    assert struct.unpack("<I", frame[4:8])[0] == len(frame) - 8
    assert msgpack.unpackb(frame[8:]) == MESSAGES[0]


@given(st.integers(1, 40))
def test_frames_survive_being_cut_anywhere(size: int) -> None:
    stream = b"".join(encode(m) for m in MESSAGES * 3)
    decoder = Decoder()
    out = [m for i in range(0, len(stream), size) for m in decoder.feed(stream[i : i + size])]
    assert out == MESSAGES * 3
    assert decoder.skipped == 0


@given(st.binary(max_size=60), st.integers(1, 20))
def test_a_message_after_garbage_is_still_read(garbage: bytes, size: int) -> None:
    # Garbage that holds the marker itself may swallow what follows as its own body.
    garbage = garbage.replace(b"M", b"")
    stream = garbage + encode(MESSAGES[0])
    decoder = Decoder()
    out = [m for i in range(0, len(stream), size) for m in decoder.feed(stream[i : i + size])]
    assert [m for m in out if not isinstance(m, ProtocolError)] == [MESSAGES[0]]
    assert decoder.skipped == len(garbage)


@pytest.mark.parametrize(
    "frame",
    [
        b"MSAM" + struct.pack("<I", MAX_BODY + 1),
        b"MSAM" + struct.pack("<I", 3) + b"\xc1\xc1\xc1",
        b"MSAM" + struct.pack("<I", 1) + msgpack.packb(5),
        b"MSAM" + struct.pack("<I", 0),
        encode({"type": 7}),  # type: ignore[dict-item]
        encode({"id": 7}),
    ],
    ids=["too long", "no msgpack", "no map", "empty", "type is no text", "no type"],
)
def test_a_bad_frame_is_an_error_and_the_next_one_is_read(frame: bytes) -> None:
    out = Decoder().feed(frame + encode(MESSAGES[1]))
    assert isinstance(out[0], ProtocolError)
    assert out[-1] == MESSAGES[1]


@pytest.mark.parametrize(
    "body", [encode(MESSAGES[0])[8:], b"garbage", b"\x81\xa1a\xc6\xff\xff\xff\xff"]
)
@pytest.mark.parametrize("claim", [1000, 1 << 20, MAX_BODY, 2**32 - 1])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_length_that_is_too_long_swallows_no_frame_behind_it(
    body: bytes, claim: int, size: int
) -> None:
    data = b"MSAM" + struct.pack("<I", claim) + body + b"".join(map(encode, MESSAGES))
    decoder, out = Decoder(), []
    for at in range(0, len(data), size):
        out += decoder.feed(data[at : at + size])
    assert isinstance(out[0], ProtocolError)
    assert [m for m in out if not isinstance(m, ProtocolError)] == MESSAGES


@pytest.mark.parametrize("more", [1, 9, 20, 60])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_nor_does_one_that_ends_within_the_frames_that_came_with_it(more: int, size: int) -> None:
    body = encode(MESSAGES[0])[8:]
    data = b"MSAM" + struct.pack("<I", len(body) + more) + body + b"".join(map(encode, MESSAGES))
    decoder, out = Decoder(), []
    for at in range(0, len(data), size):
        out += decoder.feed(data[at : at + size])
    assert [m for m in out if not isinstance(m, ProtocolError)] == MESSAGES


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary(max_size=300),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.integers(1, 9))
def test_the_end_of_a_message_is_known_while_it_comes(message: dict, step: int) -> None:
    body = msgpack.packb(message)
    end = ObjectEnd()
    for length in range(0, len(body), step):
        end.walk(memoryview(body[:length]))
        assert not end.done or end.at == len(body)
        assert not end.wrong
    end.walk(memoryview(body + b"\x00"))
    assert end.done
    assert end.at == len(body)


def framed(body: bytes) -> bytes:
    return b"MSAM" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "value",
    [
        {b"key": 1},
        {"in": [{"a list": {b"key": 1}}]},
        msgpack.ExtType(5, b"abc"),
        [msgpack.ExtType(100, b"")],
    ],
    ids=["key", "key within", "extension", "extension within"],
)
def test_keys_that_are_no_text_and_extension_types_are_refused(value: object) -> None:
    body = msgpack.packb({"type": "hello", "id": 1, "value": value})
    (error, message) = Decoder().feed(framed(body) + encode(MESSAGES[0]))
    assert isinstance(error, ProtocolError)
    assert message == MESSAGES[0]


@pytest.mark.parametrize("inner", [b"\x91", b"\x81\xa1a"], ids=["lists", "maps"])
def test_endless_nesting_is_an_error_and_the_next_message_is_read(inner: bytes) -> None:
    body = b"\x82\xa4type\xa5hello\xa1v" + inner * 100_000 + b"\x01"
    (error, message) = Decoder().feed(framed(body) + encode(MESSAGES[0]))
    assert isinstance(error, ProtocolError)
    assert message == MESSAGES[0]


def test_names_that_are_no_text_pass_as_they_are() -> None:
    name = os.fsdecode(b"Sch\xe4del.nii")  # a file's name in Latin-1, on a system of UTF-8
    assert Decoder().feed(encode({"type": "x", "name": name})) == [{"type": "x", "name": name}]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_bring_the_decoder_down(data: st.DataObject) -> None:
    stream = bytearray(b"".join(encode(m) for m in MESSAGES * 2))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(stream) - 1))
        stream[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    size, decoder, out = data.draw(st.integers(1, 50)), Decoder(), []
    for start in range(0, len(stream), size):
        out += decoder.feed(bytes(stream[start : start + size]))
    for item in out:
        assert isinstance(item, (dict, ProtocolError))


def test_words_of_others_are_cut_and_can_be_sent() -> None:
    (message,) = Decoder().feed(encode(error_message(3, "volume", "\udce4" + "x" * 10**7)))
    assert not isinstance(message, ProtocolError)
    assert message["message"].startswith("\\udce4xxx")
    assert len(message["message"]) < 5000


def test_what_msgpack_does_not_know_is_refused() -> None:
    with pytest.raises(ProtocolError, match="can't be sent"):
        encode({"type": "hello", "value": object()})


@given(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 9)),
    st.integers(0, 2**31),
)
def test_masks_round_trip(shape: tuple[int, int, int], seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) > 0.5
    message = Decoder().feed(encode({"type": "x", "mask": pack_mask(mask, (3, 4, 5))}))[0]
    assert not isinstance(message, ProtocolError)
    back, offset = unpack_mask(message["mask"], (9, 10, 14))
    assert np.array_equal(back, mask)
    assert offset == (3, 4, 5)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 2]},
        {"shape": [1000, 1000, 1000]},
        {"bits": b"none"},
        {"offset": "a"},
        {"shape": [-1, 2, 2]},
        {"offset": [0, 0, 999]},
        {"offset": [-1, 0, 0]},
        {"shape": [30_000, 30_000, 30_000]},
    ],
)
def test_a_mask_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    packed = {**pack_mask(np.ones((2, 3, 4), bool), (0, 0, 0)), **change}
    with pytest.raises(ProtocolError, match="holds no mask"):
        unpack_mask(packed, (1000, 1000, 1000))


def test_a_pipe_is_widened_and_what_is_no_pipe_is_left_alone(tmp_path: Path) -> None:
    source, sink = os.pipe()
    widen_pipe(source)
    if sys.platform == "linux":
        import fcntl

        assert fcntl.fcntl(source, fcntl.F_GETPIPE_SZ) == READ_BYTES
    os.write(sink, b"abc")
    assert os.read(source, 10) == b"abc"
    os.close(source)
    os.close(sink)
    with (tmp_path / "file").open("w") as file:
        widen_pipe(file.fileno())
