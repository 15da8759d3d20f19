"""Python and YAML that the documents print."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from masam_core.experiments.grid import read_study
from masam_core.image.volume import read_labels
from masam_core.training.layers import read_yaml
from masam_core.training.settings import build_config

from .printed import PAGES, blocks


def printed(language: str) -> list[Any]:
    return [pytest.param(b, id=page.name) for page in PAGES for b in blocks(page, language)]


@pytest.mark.parametrize("code", printed("python"))
def test_python_in_the_documents_is_five_lines_with_one_import_and_runs(
    code: str,
    sample_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the model that comes with MASAM; the README's scan and box are the sample CT's."""
    lines = [line for line in code.splitlines() if line]
    assert lines[0] == "import masam_core as masam"
    assert len(lines) == 6
    sample = sample_data / "sarcoma_ct"
    for name, own in (("image.nii.gz", "scan.nii.gz"), ("box.mrk.json", "box.mrk.json")):
        shutil.copy(sample / name, tmp_path / own)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, "document", "exec"), names)
    expert = read_labels(sample / "expert.nii.gz")[0] > 0
    mask = names["lesion"].mask_on_volume()
    assert mask.shape == expert.shape
    assert 2 * (mask & expert).sum() / (mask.sum() + expert.sum()) > 0.8
    volume_ml, confidence, *shape = re.findall(r"[\d.]+", capsys.readouterr().out)
    assert 150 < float(volume_ml) < 220
    assert 0.8 < float(confidence) < 1
    assert tuple(map(int, shape)) == expert.shape == (58, 177, 185)
    assert (read_labels(tmp_path / "tumour.seg.nrrd")[0] > 0).any()


@pytest.mark.parametrize("text", printed("yaml"))
def test_yaml_in_the_documents_is_a_training_run(text: str, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    if "\nvary:" in text:  # or an ablation study
        study = read_study(str(file))
        assert len(study.points) == 6
        return
    run = build_config(read_yaml(file))
    assert run.out == tmp_path / "../run"


def test_there_is_something_of_each() -> None:
    assert len(printed("python")) >= 1
    assert len(printed("yaml")) >= 1
