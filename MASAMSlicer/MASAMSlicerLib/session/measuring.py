"""Measurements of segments as they are now, e.g. after a touch-up by hand."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from masam_core.lesion.diameter_plane import DiameterPlane

from ..scene.lesions import EDITED, LesionEntry, LesionList
from ..scene.provenance import maskDigest
from ..scene.volumes import volumeFromNode

# Lesion, values, digest of the mask, plane of the diameters.
Measured = tuple[LesionEntry, dict[str, Any], str, DiameterPlane]


class Measuring:
    """Asks for measurements, writes them, and knows which are out of date.

    Args:
        lesions: the list.
    """

    def __init__(self, lesions: LesionList) -> None:
        self._lesions = lesions
        self._measured: dict[str, tuple[str, str]] = {}

    def steps(
        self, lesions: Sequence[LesionEntry], plane: str | None = None
    ) -> Generator[Any, Any, list[Measured]]:
        """Requests to the worker, one after the other; the result is a list for :meth:`write`.

        Args:
            lesions: those without a segment of MASAM's or without a volume are left out.
            plane: in which diameters are taken, a word of ``DiameterPlane``; None keeps each
                lesion's own.
        """
        from masam_core.worker.steps import measure_steps

        results: list[Measured] = []
        for lesion in lesions:
            made = lesion.provenance
            if made is None or lesion.volume is None:
                continue
            mask, offset = self._lesions.maskOf(lesion)
            used = DiameterPlane.read(plane or _planeOf(lesion), "The diameters' plane")
            values: dict[str, Any] = {"voxels": 0, "volume_ml": 0.0}
            if mask.size:
                axis = made.options.get("slice_axis")
                volume = volumeFromNode(lesion.volume)
                values = yield from measure_steps(volume, mask, offset, axis, used)
            results.append((lesion, values, maskDigest(mask, offset), used))
        return results

    def write(self, results: Sequence[Measured]) -> None:
        """Keep measurements with their segments; one that is gone by now is passed over."""
        for lesion, values, digest, plane in results:
            made = lesion.provenance
            if lesion.segment is not None and made is not None:
                options = {**made.options, "diameter_plane": plane.value}
                tags = replace(made, measurements=values, options=options).tags()
                for name, text in tags.items():
                    lesion.segment.SetTag(name, text)
                self._measured[lesion.id] = (digest, json.dumps(values))

    def outdated(self, volumeNode: Any, plane: str | None = None) -> list[LesionEntry]:
        """The volume's lesions whose numbers are of another mask or another plane.

        Args:
            volumeNode: the volume.
            plane: in which diameters are wanted; None takes whatever plane each has.
        """
        found = []
        for lesion in self._lesions.lesions(volumeNode):
            if lesion.provenance is not None and plane not in (None, _planeOf(lesion)):
                found.append(lesion)
            elif lesion.status == EDITED and lesion.provenance is not None:
                # Both: undo brings an old mask back, and with it the numbers of its time.
                now = (self._lesions.digest(lesion), json.dumps(lesion.provenance.measurements))
                if self._measured.get(lesion.id) != now:
                    found.append(lesion)
        return found

    def clear(self) -> None:
        """Forget what belonged to a scene that is closed."""
        self._measured.clear()


def _planeOf(lesion: LesionEntry) -> str:
    """The plane that was asked for when a lesion was measured."""
    options = lesion.provenance.options if lesion.provenance is not None else {}
    plane = options.get("diameter_plane")
    return plane if plane in DiameterPlane.words() else DiameterPlane.AUTO.value
