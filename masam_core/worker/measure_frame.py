"""End of a msgpack object, told while its bytes are still coming."""

from __future__ import annotations

# First byte to the bytes of the length, or of the value, that follow it.
_SIZED = {
    0xC4: 1,
    0xC5: 2,
    0xC6: 4,
    0xD9: 1,
    0xDA: 2,
    0xDB: 4,
}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED = {
    **{0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8},
    **{0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8},
    **{0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17},
}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


class ObjectEnd:
    """Walks over one msgpack object as far as its bytes are there, and goes on from there.

    Specification: https://github.com/msgpack/msgpack/blob/master/spec.md

    Attributes:
        at: where the walk stands, from the object's first byte; beyond the bytes that are there
            within a text or bytes.
        done: the object ends at ``at``, though its last bytes may be still to come.
        wrong: a byte that begins no object, or the first is no map.
    """

    def __init__(self) -> None:
        self.at = 0
        self.done = False
        self.wrong = False
        self._left = 1

    def walk(self, body: memoryview) -> None:
        """Go on as far as the bytes reach."""
        while not (self.done or self.wrong) and self.at < len(body):
            step = self._step(body)
            if step is None:
                return  # the rest of a number is still to come
            size, inside = step
            self.at += size
            self._left += inside - 1
            self.done = self._left == 0

    def _step(self, body: memoryview) -> tuple[int, int] | None:
        """Bytes of the item's head (or of all of it) and how many items are in it."""
        first = body[self.at]
        if self.at == 0 and not (0x80 <= first <= 0x8F or first in _MAPS):
            self.wrong = True
            return 0, 0
        if first <= 0x7F or first >= 0xE0:  # a small number
            return 1, 0
        if first <= 0x8F:
            return 1, 2 * (first & 0x0F)
        if first <= 0x9F:
            return 1, first & 0x0F
        if first <= 0xBF:
            return 1 + (first & 0x1F), 0
        if first in _FIXED:
            return 1 + _FIXED[first], 0
        for sizes in (_SIZED, _EXTENSIONS, _ARRAYS, _MAPS):
            if first in sizes:
                width = sizes[first]
                if self.at + 1 + width > len(body):
                    return None
                count = int.from_bytes(body[self.at + 1 : self.at + 1 + width], "big")
                if sizes is _ARRAYS or sizes is _MAPS:
                    return 1 + width, count * (2 if sizes is _MAPS else 1)
                return 1 + width + (sizes is _EXTENSIONS) + count, 0
        self.wrong = True
        return 0, 0
