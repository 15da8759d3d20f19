"""Parts of segment-anything, taken without its front door."""

from __future__ import annotations

import subprocess
import sys

from masam_core.model import sam_parts


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_model_is_built_without_torchvision() -> None:
    code = (
        "import sys\n"
        "from masam_core.model.config import ModelConfig\n"
        "from masam_core.model.masam import MASAM\n"
        "import masam_core.inference.segmenter\n"
        "MASAM(ModelConfig(backbone='vit_s14', image_size=56))\n"
        "print('torchvision' in sys.modules)\n"
        "import segment_anything\n"
        "print(callable(segment_anything.sam_model_registry['vit_b']))"
    )
    assert run(code).split() == ["False", "True"]


def test_where_the_package_is_loaded_its_own_classes_are_taken() -> None:
    code = (
        "import segment_anything.modeling as whole\n"
        "from masam_core.model import sam_parts\n"
        "print(sam_parts.ImageEncoderViT is whole.ImageEncoderViT)"
    )
    assert run(code) == "True"


def test_the_parts_are_segment_anythings() -> None:
    assert sam_parts.PromptEncoder.__module__.split(".")[-1] == "prompt_encoder"
    assert sam_parts.Block.__init__.__code__.co_filename.endswith("image_encoder.py")
