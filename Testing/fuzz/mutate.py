"""Bytes and texts made wrong: bits turned, parts cut, doubled or put in, numbers too large."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

HEADER = 600  # where most fields lie
NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, -32768, 65535, 2**31 - 1, -(2**31), 2**32 - 1)
FLOATS = (0.0, -0.0, 1e-30, -1.0, 1e30, float("nan"), float("inf"), float("-inf"), 0.1)
WORDS = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "1.5",
    "nan",
    "inf",
    "1e400",
    "99999999999999999999",
    "2147483648",
    "0x10",
    "none",
    "null",
    "true",
    "a b c",
    "../canary.raw",
    "/etc/passwd",
    "\x1b[31mred",
    "[/red]",
    "[left]",
    "caf\u00e9",
    "\u202egnp.exe",
    "%s%n%d",
    "${HOME}",
    "a" * 300,
    "\x00",
    "\r\n",
    "#",
    "()",
    "(1,0,0)",
    "(nan,0,0)",
    "7 6 5",
    "1000 1000 1000",
    "32767 32767 1",
    "-7 6 5",
    "1 1 1 1 1 1 1 1",
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, most: int = 2) -> bytes:
    """A file of which a few bytes are wrong, missing or too many; also one that is as it was."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(0, most))):
        if not data:
            break
        at = draw(st.integers(0, HEADER) | st.integers(0, len(data) - 1)) % len(data)
        change = draw(st.sampled_from(_CHANGES))
        change(draw, data, at)
    return bytes(data)


def _turn_bit(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at] ^= 1 << draw(st.integers(0, 7))


def _set_byte(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at] = draw(st.integers(0, 255))


def _cut(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at:]


def _take_out(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at : at + draw(st.integers(1, 300))]


def _put_in(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at:at] = draw(st.binary(min_size=1, max_size=20))


def _double(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at:at] = data[at : at + draw(st.integers(1, 300))]


def _number(draw: st.DrawFn, data: bytearray, at: int) -> None:
    order, code = draw(st.sampled_from("<>")), draw(st.sampled_from("bBhHiIqfd"))
    if code in "fd":
        new = struct.pack(order + code, draw(st.sampled_from(FLOATS)))
    else:
        bits = 8 * struct.calcsize(code)
        value = draw(st.sampled_from(NUMBERS)) % (1 << bits)
        value -= (1 << bits) if code.islower() and value >= 1 << (bits - 1) else 0
        new = struct.pack(order + code, value)
    data[at : at + len(new)] = new


_CHANGES = (_turn_bit, _set_byte, _cut, _take_out, _put_in, _double, _number)


@cache
def odd_words() -> st.SearchStrategy[str]:
    """What may stand in a field of text, or should not."""
    return st.sampled_from(WORDS) | st.text(max_size=12)


@cache
def odd_values() -> st.SearchStrategy[Any]:
    """What may stand at a place of a JSON or YAML file, of any type and depth."""
    plain = (
        st.none()
        | st.booleans()
        | st.sampled_from(NUMBERS)
        | st.sampled_from([*FLOATS, 10**400, 1e9])
        | odd_words()
    )
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=9) | st.dictionaries(odd_words(), inner, max_size=3),
        max_leaves=10,
    )


@st.composite
def changed(draw: st.DrawFn, whole: Any, most: int = 3) -> Any:
    """A document of JSON's types with a few of its values changed, taken out, doubled or added."""
    document = _copied(whole)
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(document))
        if not places:
            return draw(odd_values())
        holder, key = draw(st.sampled_from(places))
        action = draw(st.sampled_from(("set", "set", "remove", "add", "scale")))
        if action == "set":
            holder[key] = draw(odd_values())
        elif action == "remove":
            del holder[key]
        elif action == "add" and isinstance(holder, dict):
            holder[draw(odd_words())] = draw(odd_values())
        elif action == "add":
            holder.insert(key, draw(odd_values()))
        elif isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
            holder[key] = holder[key] * draw(st.sampled_from((-1, 0, 0.5, 1e6, 1e300)))
    return document


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _places(value: Any) -> Any:
    pairs: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


@st.composite
def as_text(draw: st.DrawFn, text: str) -> bytes:
    """A text as bytes, in one of the encodings that are met, at times with damage."""
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))
    data = text.encode(encoding, "backslashreplace")
    return draw(st.just(data) | st.just(data) | damaged(data, 2))
