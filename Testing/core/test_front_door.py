"""The front door: light to import, and its docstrings' lines run as they are written."""

from __future__ import annotations

import ast
import doctest
import inspect
import shutil
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

import masam_core
from masam_core import one_call
from masam_core.errors import BoxError, ConfigError, SegmentationError, VolumeError
from masam_core.evaluation.peers.ellipsoid import Ellipsoid
from masam_core.export import save as save_module
from masam_core.image.volume import Volume, read_labels, read_volume
from masam_core.inference import segmenter as segmenter_module
from masam_core.lesion.lesion import Lesion
from masam_core.scoring.metrics import dice
from Testing.core.sample import few_slices

ROOT = Path(__file__).resolve().parents[2]
# Of a sample, and as the examples call them.
FILES = {"image.nii.gz": "scan.nii.gz", "box.mrk.json": "box.mrk.json"}


@pytest.fixture
def at_work(tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a scan and its box, and an ``ssh`` that stays on this machine."""
    for name, own in FILES.items():
        shutil.copy(sample_data / "sarcoma_ct" / name, tmp_path / own)
    programs = tmp_path / "programs"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nshift 2\nexec "{sys.executable}" "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(item: Any, names: dict[str, Any]) -> dict[str, Any]:
    """Run the examples of an object's docstring; the names that they leave behind."""
    name = getattr(item, "__qualname__", item.__name__)
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(item) or "", names, name, None, 0)
    assert test.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(verbose=False)
    said: list[str] = []
    runner.run(test, out=said.append, clear_globs=False)
    assert runner.failures == 0, "".join(said)
    return test.globs


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for ssh is a shell script")
def test_the_examples_run_as_they_are_written(at_work: Path, sample_data: Path) -> None:
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(at_work / "scan.nii.gz")))
    names = run(masam_core, {"array": array})
    lesion, (found,), remote = names["lesion"], names["lesions"], names["remote"]
    assert names["mask"].shape == array.shape
    assert lesion.geometry.spacing == pytest.approx((0.8, 0.8, 3.0))
    labels, geometry = read_labels(at_work / "tumour.seg.nrrd")
    assert geometry.same_grid(found.geometry)
    assert np.array_equal(labels > 0, found.mask_on_volume())
    # The other process may compute in another precision, which tips voxels at the threshold.
    assert dice(remote.mask_on_volume(), found.mask_on_volume()) > 0.99
    assert remote.probability is None

    own = dict(vars(save_module), lesion=found, read_volume=read_volume)
    run(save_module.save, own)
    assert (at_work / "tumour.csv").read_text("utf-8-sig").splitlines()[1].startswith("scan,")
    (at_work / "tumour.csv").unlink()
    # The others do not say what is found: some slices do.
    few = few_slices(sample_data / "sarcoma_ct", at_work / "few")
    for name, own_name in FILES.items():
        shutil.copy(few / name, at_work / own_name)
    run(one_call.segment, dict(vars(one_call)))
    assert (at_work / "tumour.csv").is_file()
    run(segmenter_module.Segmenter, dict(vars(segmenter_module)))


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, time; began = time.process_time(); import masam_core; "
        "print(time.process_time() - began); "
        "heavy = {'torch', 'numpy', 'SimpleITK', 'msgpack'} & set(sys.modules); "
        "assert not heavy, heavy; "
        "masam_core.RemoteSegmenter, masam_core.save, masam_core.segment; "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.3


def test_every_name_leads_to_what_the_type_checker_sees() -> None:
    tree = ast.parse(Path(inspect.getfile(masam_core)).read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(seen) == sorted(masam_core.__all__)
    assert set(masam_core.__all__) <= set(dir(masam_core))
    for name, (module, own) in seen.items():
        assert getattr(masam_core, name) is getattr(import_module(str(module)), own)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        masam_core.nonsense  # noqa: B018


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    """A small image in a file."""
    image = sitk.GetImageFromArray(np.arange(6 * 7 * 8, dtype=np.int16).reshape(6, 7, 8))
    image.SetSpacing((1.0, 2.0, 3.0))
    sitk.WriteImage(image, str(tmp_path / "scan.nrrd"))
    return read_volume(tmp_path / "scan.nrrd")


FIRST, SECOND = (1, 3, 1, 4, 1, 3), (3, 6, 2, 5, 2, 4)


def test_one_call_segments_every_box_and_writes_every_file(scan: Volume, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("t.seg.nrrd", "t.nii.gz", "t.csv", "t.png")]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        lesions = one_call.segment(
            str(scan.source), [FIRST, np.array(SECOND)], files, segmenter=Ellipsoid()
        )
    assert len(lesions) == 2
    shared = int((lesions[0].mask_on_volume() & lesions[1].mask_on_volume()).sum())
    (note,) = told
    assert f"shares {shared} voxels" in str(note.message)
    labels, _ = read_labels(files[1])
    assert np.array_equal(labels == 1, lesions[0].mask_on_volume())
    assert files[2].read_text("utf-8-sig").count("\n") == 3
    assert files[3].read_bytes().startswith(b"\x89PNG")
    (alone,) = one_call.segment(
        scan.array, FIRST, segmenter=Ellipsoid(), spacing=scan.geometry.spacing
    )
    assert np.array_equal(alone.mask_on_volume(), lesions[0].mask_on_volume())


class Never(Ellipsoid):
    """Must not be asked."""

    def segment(self, *_: Any, **__: Any) -> Lesion:
        raise AssertionError("It was asked in spite of the mistake.")


@pytest.mark.parametrize(
    ("boxes", "changes", "kind", "says"),
    [
        (FIRST, {"out": "t.jpg"}, SegmentationError, "'t.jpg' must end with .seg.nrrd"),
        (FIRST, {"out": "gone/t.csv"}, SegmentationError, "the folder .gone. does not exist"),
        (FIRST, {"qualty": "best"}, ConfigError, "Unknown setting qualty"),
        ((1, 2, 3), {}, BoxError, "has 3 numbers"),
        ([FIRST, None], {}, BoxError, "The box is None"),
        (None, {}, BoxError, "The box is None"),
        ([], {}, BoxError, "has 0 numbers"),
        (FIRST, {"spacing": (1, 1, 1)}, VolumeError, "Leave them out"),
    ],
)
def test_mistakes_are_told_before_the_work(
    scan: Volume, boxes: Any, changes: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        one_call.segment(scan, boxes, segmenter=Never(), **changes)


def test_saving_needs_the_image_only_where_it_is_drawn_or_measured(
    scan: Volume, tmp_path: Path
) -> None:
    (lesion,) = one_call.segment(scan, FIRST, segmenter=Ellipsoid())
    masam_core.save(lesion, tmp_path / "one.mha")
    assert np.array_equal(read_labels(tmp_path / "one.mha")[0] > 0, lesion.mask_on_volume())
    for name in ("t.csv", "t.PNG"):
        with pytest.raises(SegmentationError, match="needs the image that was segmented"):
            masam_core.save([lesion], tmp_path / name)
    with pytest.raises(SegmentationError, match="no lesion to write"):
        masam_core.save([], tmp_path / "none.nrrd")
    (other,) = one_call.segment(
        scan.array, FIRST, segmenter=Ellipsoid(), spacing=(1, 1, 1), origin=(0, 0, 9)
    )
    with pytest.raises(SegmentationError, match="different images"):
        masam_core.save([lesion, other], tmp_path / "two.nrrd")
    assert [path.name for path in tmp_path.iterdir() if path.name != "scan.nrrd"] == ["one.mha"]
