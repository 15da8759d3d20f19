"""Train on your own data, from the bundled model, and measure what it has brought.

    python examples/train_on_your_data.py DATA OUT [STEPS]

DATA holds index.csv (case, patient, split, modality) and CASE/image.nii.gz, CASE/label.nii.gz, or
is a task of the Medical Segmentation Decathlon. Needs the extra `train`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import masam_core as masam
from masam_core.catalog.bundled import bundled_base_path, bundled_model_path
from masam_core.data.reading import read_cases
from masam_core.scoring.evaluate import evaluate_cases
from masam_core.training.presets import preset
from masam_core.training.settings import build_config
from masam_core.training.train import train


def main(data: Path, out: Path, steps: int = 300) -> None:
    """Fine-tune the bundled model; print mean Dice on the held-out patients, before and after."""
    settings = {
        "data": data,
        "out": out,
        "base": bundled_base_path(),
        "start_from": bundled_model_path(),
        "steps": steps,
        "lr": 1e-4,
        "validate_every": steps,  # at the end
    }
    best = train(build_config(preset("tumour-box-small"), settings))
    held_out = [case for case in read_cases(data) if case.split == "val"]
    for name, model in (("bundled", None), ("trained here", best)):
        segmenter = masam.Segmenter(model or "bundled", base=bundled_base_path() if model else None)
        scores = evaluate_cases(held_out, segmenter, quality=masam.Quality.FAST)
        mean = sum(score.dice for score in scores) / len(scores)
        print(f"{name}: mean Dice {mean:.3f} over {len(scores)} lesions")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
