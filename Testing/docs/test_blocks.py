"""Python and YAML that the documents print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from masam_core.experiments.grid import read_study
from masam_core.image.volume import read_labels
from masam_core.training.layers import read_yaml
from masam_core.training.settings import build_config

from ..conftest import ROOT
from .printed import PAGES, blocks


def printed(language: str) -> list[Any]:
    return [pytest.param(b, id=page.name) for page in PAGES for b in blocks(page, language)]


@pytest.mark.parametrize("code", printed("python"))
def test_python_in_the_documents_runs(
    code: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(compile(code, "document", "exec"), names)
    # The README's scan and box are those of the sample CT.
    expert = read_labels(ROOT / "Resources/SampleData/sarcoma_ct/expert.nii.gz")[0] > 0
    mask = names["lesion"].mask_on_volume()
    assert mask.shape == expert.shape
    assert 2 * (mask & expert).sum() / (mask.sum() + expert.sum()) > 0.8
    assert float(capsys.readouterr().out.split()[0]) > 1
    assert (world / "tumour.seg.nrrd").is_file()


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
