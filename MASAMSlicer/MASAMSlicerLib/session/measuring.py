"""Measurements of segments as they are now, e.g. after a touch-up by hand."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from ..scene.lesions import EDITED, LesionEntry, LesionList
from ..scene.provenance import maskDigest
from ..scene.volumes import volumeFromNode

Measured = tuple[LesionEntry, dict[str, Any], str]  # lesion, values, digest of the mask


class Measuring:
    """Asks for measurements, writes them, and knows which are out of date.

    Args:
        lesions: the list.
    """

    def __init__(self, lesions: LesionList) -> None:
        self._lesions = lesions
        self._measured: dict[str, tuple[str, str]] = {}

    def steps(self, lesions: Sequence[LesionEntry]) -> Generator[Any, Any, list[Measured]]:
        """Requests to the worker, one after the other; the result is a list for :meth:`write`.

        Lesions without a segment of MASAM's or without a volume are left out.
        """
        from masam_core.worker.steps import measure_steps

        results: list[Measured] = []
        for lesion in lesions:
            made = lesion.provenance
            if made is None or lesion.volume is None:
                continue
            mask, offset = self._lesions.maskOf(lesion)
            values: dict[str, Any] = {"voxels": 0, "volume_ml": 0.0}
            if mask.size:
                axis = made.options.get("slice_axis")
                volume = volumeFromNode(lesion.volume)
                values = yield from measure_steps(volume, mask, offset, axis)
            results.append((lesion, values, maskDigest(mask, offset)))
        return results

    def write(self, results: Sequence[Measured]) -> None:
        """Keep measurements with their segments; one that is gone by now is passed over."""
        for lesion, values, digest in results:
            if lesion.segment is not None and lesion.provenance is not None:
                tags = replace(lesion.provenance, measurements=values).tags()
                for name, text in tags.items():
                    lesion.segment.SetTag(name, text)
                self._measured[lesion.id] = (digest, json.dumps(values))

    def outdated(self, volumeNode: Any) -> list[LesionEntry]:
        """The volume's lesions that were changed by hand after their numbers were taken."""
        found = []
        for lesion in self._lesions.lesions(volumeNode):
            if lesion.status == EDITED and lesion.provenance is not None:
                # Both: undo brings an old mask back, and with it the numbers of its time.
                now = (self._lesions.digest(lesion), json.dumps(lesion.provenance.measurements))
                if self._measured.get(lesion.id) != now:
                    found.append(lesion)
        return found

    def clear(self) -> None:
        """Forget what belonged to a scene that is closed."""
        self._measured.clear()
