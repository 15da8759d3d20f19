"""Each section measures what it says, on a small model."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from masam_core.bench import growth as growth_module
from masam_core.bench import queue as queue_module
from masam_core.bench import refine as refine_module
from masam_core.bench import runtimes as runtimes_module
from masam_core.bench import scale as scale_module
from masam_core.bench import tabs as tabs_module
from masam_core.bench.agreement import agreement_rows
from masam_core.bench.growth import growth_rows, slope_row
from masam_core.bench.inputs import lesion_volume
from masam_core.bench.job import job_rows
from masam_core.bench.length import length_rows
from masam_core.bench.loading import load_apart, loading_rows, write_random_sam
from masam_core.bench.profile import profile_window
from masam_core.bench.queue import queue_rows
from masam_core.bench.rows import Row, Setup
from masam_core.bench.runtimes import runtime_rows
from masam_core.bench.scale import scale_rows
from masam_core.bench.tabs import tab_rows
from masam_core.bench.window import window_rows
from masam_core.errors import ConfigError


def test_a_window_gives_the_literal_logits_and_fewer_operations(
    setup: Setup, apart_once: None
) -> None:
    rows = {row.what: row for row in window_rows(setup)}
    literal, exact = rows["literal, float32"], rows["MASAM, float32"]
    assert exact.details["logits_differ"] < 1e-3
    assert exact.ratio == pytest.approx(literal.value / exact.value)
    # FacT is folded: its products are gone, the rest is the same.
    assert 0.8 * literal.details["gflop"] < exact.details["gflop"] < literal.details["gflop"]
    assert rows["MASAM, int8"].details["logits_differ"] > 0
    assert rows["int8 against MASAM's own float32"].ratio == pytest.approx(
        exact.value / rows["MASAM, int8"].value
    )


def test_a_job_compares_with_all_its_literal_windows(setup: Setup) -> None:
    rows = {row.what: row for row in job_rows(replace(setup, slices=2))}
    literal = rows["literal, these slices"]
    assert "6 windows" in literal.note
    whole = rows["literal, whole volume"]
    assert whole.value == pytest.approx(literal.value / 6 * 104)
    assert "1.0000" in rows["MASAM best, float32"].note
    for quality in ("best", "balanced", "fast"):
        row = rows[f"MASAM {quality}, float32"]
        assert row.ratio == pytest.approx(literal.value / row.value)
    second = rows["second box, fast, float32"]
    assert second.ratio == pytest.approx(rows["MASAM fast, float32"].value / second.value)


def test_a_correction_is_compared_with_the_first_prompt(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refine_module, "SLICES", 6)
    monkeypatch.setattr(refine_module, "VOLUME_SLICES", 8)
    first, refine = refine_module.refine_rows(setup)
    assert first.what == "first prompt, 6 slices, float32"
    assert refine.ratio == pytest.approx(first.value / refine.value)
    assert len(refine.details["seconds"]["runs"]) == 3


def test_a_long_volume_needs_no_more_embeddings(
    setup: Setup, apart_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("masam_core.bench.length.LONG", 200)
    short, long, ratio, kept = length_rows(setup)
    assert ratio.value == pytest.approx(long.value / short.value)
    assert "of 1 windows" in kept.note
    assert kept.value == pytest.approx(5 * 256 * 4 * 4 * 2 / 1e6)


def test_loading_holds_the_weights_once(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    file = tmp_path / "sam_vit_b.pth"
    write_random_sam("vit_b", file)
    found = load_apart(file)
    assert found is not None
    assert found[0] < 1.3 * file.stat().st_size


def test_a_backbone_without_a_sam_file_is_not_loaded(setup: Setup) -> None:
    assert loading_rows(setup) == []


def test_a_batch_is_run_both_ways(
    setup: Setup, small_slices: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "CASES", 2)
    monkeypatch.setattr(queue_module, "SLICES", 12)
    plain, ahead = queue_rows(setup)
    assert ahead.ratio == pytest.approx(plain.value / ahead.value)


def test_growth_has_a_slope_and_gpus_by_calculation(
    setup: Setup, small_slices: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale_module, "growth_rows", lambda setup: [])
    monkeypatch.setattr(scale_module, "SIZES", {setup.build().config.backbone: (56,)})
    monkeypatch.setattr(scale_module, "tab_rows", lambda _: [Row("tabs", "1 tab", 1.0)])
    monkeypatch.setattr(scale_module, "SLICES", (5, 10))
    monkeypatch.setattr(scale_module, "LESIONS", (1, 2))
    rows = {row.what: row for row in scale_rows(setup)}
    five, ten = (rows[f"{n} slices (vit_tiny, float32)"].value for n in (5, 10))
    assert rows["each further slice"].value == pytest.approx((ten - five) / 5)
    power = rows["slope: a lesion, over slices"].value
    assert power == pytest.approx(np.log(ten / five) / np.log(2))
    assert sum(row.section.startswith("GPUs, by calculation") for row in rows.values()) == 3
    assert "1 tab" in rows


def test_tabs_have_a_slope_each(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("slicer_core", reason="the extra 'workbench' is not installed")
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(tabs_module, "TABS", (1, 2))
    rows = {row.what: row for row in tab_rows(setup)}
    for step in ("tabs opened", "pages of all tabs asked for", "all tabs ended"):
        one, two = rows[f"{step}, 2 tabs"].details["each"]
        assert 0 < two == rows[f"{step}, 2 tabs"].value
        slope = rows[f"slope: {step}, over tabs"].value
        assert slope == pytest.approx(np.log(two / one) / np.log(2))


def test_where_there_is_no_workbench_it_is_said(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tabs_module, "_WORKER", "'")  # an option that the command refuses
    (row,) = tab_rows(setup)
    assert row.value is None
    assert "did not start" in row.note


def test_a_batchs_own_steps_have_a_slope_each(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, sizes in (("CASES", (3, 6)), ("LESIONS", (1, 2)), ("SLICES", (8, 12))):
        monkeypatch.setattr(growth_module, name, sizes)
    rows = growth_rows(setup)
    slopes = [row.what for row in rows if row.what.startswith("slope: ")]
    assert len(slopes) == 7
    assert len(rows) == 14
    assert "slope: table and report, over cases" in slopes
    assert any(row.what == "a new queue opened, 6 cases" for row in rows)
    row = slope_row("", "x", (10, 100, 1000), [1e-4 * n**2 for n in (10, 100, 1000)])
    assert (row.value, row.note) == (pytest.approx(2), "log-log, 1 is linear; above linear")
    quick = slope_row("", "x", (10, 100), [0.0, 0.015])
    assert (quick.value, quick.note) == (None, "too quick for this clock to tell")


def test_agreement_compares_settings_case_by_case(
    setup: Setup, small_slices: slice, tmp_path: Path
) -> None:
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "patient", "modality", "split", "image", "label"])
        for number, split in enumerate(("val", "val", "train")):
            volume, _ = lesion_volume(12, 5)
            label = np.zeros(volume.array.shape, np.uint8)
            label[0:5, small_slices, small_slices] = 1
            for name, array in (("image", volume.array), ("label", label)):
                image = sitk.GetImageFromArray(array)
                image.SetSpacing((0.8, 0.8, 3.0))
                sitk.WriteImage(image, str(tmp_path / f"{name}{number}.nrrd"))
            names = (f"image{number}.nrrd", f"label{number}.nrrd")
            writer.writerow([f"c{number}", f"p{number}", "CT", split, *names])
    rows = {row.what: row for row in agreement_rows(setup, tmp_path)}
    assert "2 cases" in rows["best, float32 with the experts"].note
    assert 0 <= rows["fast, float32 with best"].value <= 1
    assert len(rows["balanced, int8 with float32"].details["each"]) == 2
    with pytest.raises(ConfigError, match="no case with split 'test'"):
        agreement_rows(setup, tmp_path, "test")


def test_both_runtimes_are_measured_and_give_one_mask(
    setup: Setup, small_slices: slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino")
    monkeypatch.setattr(runtimes_module, "VOLUME_SLICES", 8)
    rows = {row.what: row for row in runtime_rows(replace(setup, slices=3))}
    assert rows["masks of both, float32"].value > 0.99
    for what in ("window embedded", "first box, 3 slices, fast", "second box, fast"):
        theirs, ours = (rows[f"{what}, {name}, float32"] for name in ("PyTorch", "OpenVINO"))
        assert ours.ratio == pytest.approx(theirs.value / ours.value)
    assert rows["ready, OpenVINO, float32"].value > 0
    assert runtime_rows(replace(setup, device=torch.device("cuda"))) == []


def test_a_profile_names_operations(setup: Setup) -> None:
    assert "aten::" in profile_window(setup)
