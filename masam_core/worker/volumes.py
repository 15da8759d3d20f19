"""The volumes that the worker was given, by content hash."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from masam_core.errors import VolumeError
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume

LIMIT_BYTES = 4 << 30
_KINDS = "biuf"  # booleans, whole numbers, floating point


@dataclass
class _Incoming:
    values: NDArray[np.generic]
    received: int
    volume: Volume


class VolumeStore:
    """Volumes arrive in parts; the least recently used leave when the memory limit is reached."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._whole: OrderedDict[str, Volume] = OrderedDict()
        self._incoming: dict[str, _Incoming] = {}

    def __len__(self) -> int:
        return len(self._whole)

    def get(self, content_hash: str) -> Volume | None:
        """The volume, or None if it was not given or has left."""
        volume = self._whole.get(content_hash)
        if volume is not None:
            self._whole.move_to_end(content_hash)
        return volume

    def announce(
        self,
        content_hash: str,
        shape: tuple[int, int, int],
        dtype: str,
        geometry: Geometry,
        modality: str | None,
        name: str,
    ) -> bool:
        """Get ready for a volume's values; True if they are here already.

        Raises:
            VolumeError: a type that is no number, or more bytes than the worker keeps.
        """
        known = self._whole.get(content_hash)
        if known is not None:
            # The hash is of the values and their place; what they are called may have changed.
            renamed = replace(known, modality=modality, name=name)
            object.__setattr__(renamed, "content_hash", content_hash)
            self._whole[content_hash] = renamed
            return True
        try:
            kind = np.dtype(dtype)
        except (TypeError, ValueError, SyntaxError) as error:  # numpy parses it like Python
            raise VolumeError(f"'{name}' has values of unknown type {dtype!r}.") from error
        size = kind.itemsize * shape[0] * shape[1] * shape[2]
        if kind.kind not in _KINDS:
            raise VolumeError(f"'{name}' has values of type {dtype!r}; expected real numbers.")
        if size > self.limit_bytes:
            raise VolumeError(
                f"'{name}' has {size / 1e9:.1f} GB; the worker keeps {self.limit_bytes / 1e9:.1f} "
                "GB at most. Crop the volume around the lesions first."
            )
        # Only one volume is on its way at a time; what an abandoned one left is dropped.
        self._incoming.clear()
        values = np.empty(shape, kind)
        volume = Volume(values, geometry, modality, name)
        self._incoming[content_hash] = _Incoming(values, 0, volume)
        return False

    def add_part(self, content_hash: str, offset: int, data: bytes) -> bool:
        """Take bytes of an announced volume, in order; True when it is complete.

        Raises:
            VolumeError: not announced, or out of order, or too many.
        """
        item = self._incoming.get(content_hash)
        if item is None:
            raise VolumeError("Values came of a volume that was not announced.")
        flat = item.values.reshape(-1).view(np.uint8)
        if offset != item.received or offset + len(data) > flat.size:
            self._incoming.clear()
            raise VolumeError(
                f"The values of '{item.volume.name}' came out of order: bytes {offset} to "
                f"{offset + len(data)} of {flat.size} after {item.received}."
            )
        flat[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
        item.received += len(data)
        if item.received < flat.size:
            return False
        del self._incoming[content_hash]
        self._whole[content_hash] = item.volume
        # Known already, and costly to compute again from large values.
        object.__setattr__(item.volume, "content_hash", content_hash)
        self._make_room()
        return True

    def clear(self) -> None:
        """Forget every volume."""
        self._whole.clear()
        self._incoming.clear()

    def _make_room(self) -> None:
        used = sum(v.array.nbytes for v in self._whole.values())
        while used > self.limit_bytes and len(self._whole) > 1:
            _, oldest = self._whole.popitem(last=False)
            used -= oldest.array.nbytes
