"""The real server with a model that is quick: the ellipsoid in the box. Run as a process.

Notes of its lesions tell what it was asked, and a model named ``gone`` can't be loaded.
"""

from __future__ import annotations

import os
from typing import Any

from masam_core.errors import Cancelled, CheckpointError, MasamError
from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.prompts.boxes import BoxPrompt
from masam_core.worker import fields
from masam_core.worker.codes import code_of
from masam_core.worker.lesions import lesion_fields
from masam_core.worker.requests import Requests
from masam_core.worker.server import serve


class Quick(Requests):
    """Answers as the real requests do, without torch."""

    def _load_model(self, message: Any, *_: Any) -> dict[str, Any]:
        self.asked = message
        if message["model"] == "gone":
            raise CheckpointError("There is no weight file at gone.")
        return {"name": "quick"}

    def _segment(self, message: Any, send: Any, cancelled: Any) -> dict[str, Any]:
        segmenter, volume = Ellipsoid(), self._volume(message)
        segmenter.set_volume(volume)
        for box in message["boxes"]:
            if box["name"] == "crash":
                os._exit(9)
            while box["name"] == "slow" and not cancelled():
                send({"type": "progress", "fraction": 0.5, "text": "waiting"})
            if cancelled():
                raise Cancelled("Stopped.")
            send({"type": "progress", "fraction": 0.25, "text": "window 1 of 4"})
            prompt = BoxPrompt(fields.numbers(box, "corners_ijk", 24).reshape(8, 3))
            try:
                lesion = segmenter.segment(prompt)
            except MasamError as error:
                answer = {"code": code_of(error), "error": str(error)}
            else:
                notes = [
                    f"modality {volume.modality}",
                    f"quality {message['options']['quality']}",
                    f"device {self.asked['device']}",
                    f"process {os.getpid()}",
                ]
                answer = {**lesion_fields(lesion), "confidence": 0.75, "messages": notes}
            send({"type": "lesion", "box": box["id"], **answer})
        return {"seconds": 0.0, "model": "quick", "sha256": "", "failed": 0}


if __name__ == "__main__":
    serve(Quick())
