"""Run by a test: segments in a process without PyTorch, and saves the masks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np

BOX = (30, 70, 30, 70, 20, 22)


class Blocks(MetaPathFinder):
    """PyTorch is not there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return None


def main(folder: Path, out: Path) -> None:
    """Segment by the package, the worker's requests, ``masam segment`` and ``masam batch``."""
    import masam_core as masam
    import masam_core.demo  # what dev.py demo runs
    from masam_core.cli.main import app, join_numbers
    from masam_core.image.volume import read_labels, read_volume
    from masam_core.inference.options import SegmentOptions
    from masam_core.prompts.boxes import BoxPrompt
    from masam_core.prompts.roi import write_roi
    from masam_core.worker.lesions import prompt_fields
    from masam_core.worker.protocol import unpack_mask
    from masam_core.worker.requests import Requests

    image = folder / "image.nii.gz"
    volume = read_volume(image)
    (lesion,) = masam.segment(image, BOX, quality="fast")
    np.save(out / "package.npy", lesion.mask_on_volume())

    requests = Requests()
    sent: list[dict] = []

    def ask(kind: str, **fields: object) -> dict:
        return requests.answer({"type": kind, "id": 1, **fields}, sent.append, lambda: False)

    assert {row["name"] for row in ask("devices")["devices"]} >= {"openvino"}
    loaded = ask("load_model", model="bundled", device="cpu")
    assert loaded["device"] == "openvino", loaded
    findings = {f["title"]: f["state"] for f in ask("check")["findings"]}
    assert "problem" not in findings.values(), findings
    geometry = volume.geometry
    array = np.ascontiguousarray(volume.array)
    ask(
        "put_volume",
        hash=volume.content_hash,
        shape=list(array.shape),
        dtype=array.dtype.str,
        ijk_to_lps=geometry.ijk_to_lps.ravel().tolist(),
        name="volume",
    )
    ask("volume_part", hash=volume.content_hash, offset=0, data=array.tobytes())
    box = prompt_fields(BoxPrompt.from_voxels(*BOX), geometry)
    options = SegmentOptions().changed(quality="fast").to_dict()
    ask("segment", volume=volume.content_hash, boxes=[{"id": 1, **box}], options=options)
    (answer,) = [message for message in sent if message["type"] == "lesion"]
    mask, (k, j, i) = unpack_mask(answer["mask"], geometry.shape)
    whole = np.zeros(geometry.shape, dtype=bool)
    whole[k : k + mask.shape[0], j : j + mask.shape[1], i : i + mask.shape[2]] = mask
    np.save(out / "worker.npy", whole)

    words = ["segment", image, "--box", *BOX, "--quality", "fast", "-o", out / "command.nii.gz"]
    app(join_numbers([str(word) for word in words]), standalone_mode=False)
    np.save(out / "command.npy", read_labels(out / "command.nii.gz")[0] > 0)

    cases = out / "cases"
    cases.mkdir()
    (cases / image.name).write_bytes(image.read_bytes())
    middle = np.array([[sum(pair) / 2 for pair in zip(BOX[::2], BOX[1::2], strict=True)]])
    write_roi(cases / "box.mrk.json", geometry.lps_from_ijk(middle)[0], (30, 30, 10))
    words = ["batch", cases, "-o", out / "results", "--quality", "fast"]
    app([str(word) for word in words], standalone_mode=False)
    assert list((out / "results").rglob("*.seg.nrrd")), list((out / "results").rglob("*"))
    assert "torch" not in sys.modules


if __name__ == "__main__":
    sys.meta_path.insert(0, Blocks())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
