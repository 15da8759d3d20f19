"""Loading a SAM file: how much memory it takes beside the weights themselves."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from masam_core.bench.rows import Row, Setup
from masam_core.model.backbones import SAM
from masam_core.model.config import ModelConfig
from masam_core.model.masam import MASAM

TITLE = "Loading a backbone"
SAM_IMAGE_SIZE = 1024


def loading_rows(setup: Setup) -> list[Row]:
    """Write a SAM file of the backbone with random weights, load it in a process of its own."""
    config = setup.build().config
    if config.spec.encoder != SAM:
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"sam_{config.backbone}.pth"
        setup.tell(f"writing and loading a random SAM {config.backbone}")
        write_random_sam(config.backbone, file)
        size = file.stat().st_size
        found = load_apart(file)
    if found is None:
        return [Row(TITLE, f"SAM {config.backbone}", None, note="not measured: no psutil")]
    peak, seconds = found
    return [
        Row(
            TITLE,
            f"SAM {config.backbone}, {size / 1e6:.0f} MB",
            seconds,
            note=f"memory at the peak {peak / size:.2f} times the file",
            details={"peak_bytes": peak, "file_bytes": size},
        )
    ]


def write_random_sam(backbone: str, file: Path) -> None:
    """A file as SAM's own are, with random weights."""
    torch.manual_seed(0)
    plain = ModelConfig(
        name=f"SAM {backbone}",
        backbone=backbone,
        image_size=SAM_IMAGE_SIZE,
        num_slices=1,
        decoder="sam",
        fact_rank=0,
        adapter_position="none",
    )
    state = MASAM(plain).state_dict()
    names = {name: name.replace("image_encoder.base.", "image_encoder.") for name in state}
    torch.save({names[name]: tensor for name, tensor in state.items()}, file)


def load_apart(file: Path) -> tuple[int, float] | None:
    """Peak growth of memory in bytes, and seconds, of a process that loads a file; None without
    the package ``psutil``."""
    code = (
        "import json, sys, time, torch\n"
        "from pathlib import Path\n"
        "from masam_core.bench.timing import PeakMemory\n"
        "from masam_core.model.checkpoint import load_model\n"
        "with PeakMemory(torch.device('cpu')) as memory:\n"
        "    began = time.perf_counter()\n"
        "    model = load_model(Path(sys.argv[1]))\n"
        "    seconds = time.perf_counter() - began\n"
        "print(json.dumps([memory.grown, seconds]))\n"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    grown, seconds = json.loads(done.stdout.splitlines()[-1])
    return None if grown is None else (int(grown), float(seconds))
