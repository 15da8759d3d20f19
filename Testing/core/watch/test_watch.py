"""The night shift, step by step, with an archive and a clock of the test's own."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest

from masam_core.atomic import write_bytes
from masam_core.errors import ConfigError, PacsError, SegmentationError
from masam_core.image.volume import read_volume
from masam_core.pacs.records import Image, Stored
from masam_core.prompts.boxes import BoxPrompt
from masam_core.prompts.record import PromptRecord
from masam_core.watch.spec import WatchSpec
from masam_core.watch.status import status_of
from masam_core.watch.watch import Watch

from ..pacs.conftest import write_study
from .conftest import Archive, Clock, Make
from .making import SECRETS, Quick, headers, report, save, state, write_case

pytest.importorskip("highdicom")
QUIET = 31.0


def feed(watch: Watch, *places: Path) -> None:
    """Everything of some folders and files comes in."""
    for place in places:
        for path in sorted(place.rglob("*.dcm")) if place.is_dir() else [place]:
            watch.shelf.take(path.read_bytes())


def texts(folder: Path) -> str:
    """Everything that people and other programs may read: names, logs, states, tables."""
    found = [str(path.relative_to(folder)) for path in folder.rglob("*")]
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".log", ".json", ".csv", ".txt"):
            found.append(path.read_text("utf-8"))
    return "\n".join(found)


def statuses(tmp_path: Path) -> list[tuple[str, str]]:
    return [(row.status, row.sent) for row in status_of(tmp_path / "work")]


def test_a_line_becomes_a_segmentation_and_a_report(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    said: list[str] = []
    measured = pydicom.dcmread(write_case(tmp_path / "case"))
    watch = make(say=said.append)
    feed(watch, tmp_path / "case")
    assert not watch.step()  # the series may not be whole yet
    assert archive.asked == []
    clock.now += QUIET
    watch.run(once=True)
    assert archive.modalities() == ["SEG", "SR"]
    by_kind = {one.Modality: one for one in archive.kept.values()}
    images = headers(tmp_path / "case" / "images")
    for one in by_kind.values():
        assert (one.PatientID, one.PatientName) == ("P-4711", "Mustermann^Erika")
        assert one.StudyInstanceUID == measured.StudyInstanceUID
    segmented = by_kind["SEG"]
    assert [one.SegmentLabel for one in segmented.SegmentSequence] != []
    (series,) = segmented.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == images[0].SeriesInstanceUID
    assert segmented.pixel_array.any()
    named = {item.ReferencedSOPInstanceUID for item in _references(by_kind["SR"])}
    assert segmented.SOPInstanceUID in named
    assert statuses(tmp_path) == [("done", "yes")]
    assert not any(secret in texts(tmp_path / "work") + "\n".join(said) for secret in SECRETS)
    assert (tmp_path / "work").stat().st_mode & 0o077 == 0
    assert "done" in (tmp_path / "work" / "measurements.csv").read_text("utf-8")


def _references(item: Any) -> list[Any]:
    found = []
    for element in item:
        if element.VR == "SQ":
            for inside in element.value:
                found += [inside] if "ReferencedSOPInstanceUID" in inside else []
                found += _references(inside)
    return found


def test_what_a_reader_calls_a_lesion_stands_in_the_dicom_files_alone(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_study(tmp_path / "case" / "images", 1, 6)
    two = [(1, (1.0, 1.0, 4.0, 4.0)), (4, (2.0, 6.0, 8.0, 6.0))]
    made = report(headers(tmp_path / "case" / "images"), two)
    groups = made.ContentSequence[0].ContentSequence
    for number, group in enumerate(groups, 1):
        group.ContentSequence[0].TextValue = f"Mustermann {number}"
    save(made, tmp_path / "case" / "report.dcm")

    class Noting(Quick):
        failed = False

        def segment(self, first: Any, *given: Any, **more: Any) -> Any:
            if not self.failed:
                self.failed = True
                raise SegmentationError("The worker has died.")
            found = super().segment(first, *given, **more)
            return replace(found, messages=(f"{first.name} ends flat.",))

    said: list[str] = []
    watch = make(segmenter=Noting(), say=said.append)
    feed(watch, tmp_path / "case")
    clock.now += QUIET
    watch.run(once=True)
    (row,) = status_of(tmp_path / "work")
    assert row.status == "done"
    assert "Lesion 2: Lesion 2 ends flat." in row.message
    table = (tmp_path / "work" / "measurements.csv").read_text("utf-8")
    assert "Lesion 1" in table
    assert "Lesion 2" in table
    assert any("Lesion 1: The worker has died." in line for line in said)
    assert not any(secret in texts(tmp_path / "work") + "\n".join(said) for secret in SECRETS)
    (segmented,) = [one for one in archive.kept.values() if one.Modality == "SEG"]
    labels = [one.SegmentLabel for one in segmented.SegmentSequence]
    assert labels == ["Mustermann 1", "Mustermann 2"]


def test_a_presentation_state_becomes_the_same(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_study(tmp_path / "case" / "images", 1)
    images = headers(tmp_path / "case" / "images")
    masks = []
    for number, made in enumerate((report(images), state(images))):
        save(made, tmp_path / f"{number}.dcm")
        watch = make()
        feed(watch, tmp_path / "case", tmp_path / f"{number}.dcm")
        clock.now += QUIET
        watch.run(once=True)
        (segmented,) = [one for one in archive.kept.values() if one.Modality == "SEG"]
        masks.append(segmented.pixel_array.sum())
        archive.kept.clear()
    assert masks[0] == masks[1] > 0


def test_every_line_is_a_segment_and_every_report_a_case(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_study(tmp_path / "images", 1, 6)
    images = headers(tmp_path / "images")
    two = [(1, (1.0, 1.0, 4.0, 4.0)), (4, (2.0, 6.0, 8.0, 6.0))]
    save(report(images, two), tmp_path / "a.dcm")
    save(report(images), tmp_path / "b.dcm")
    watch = make()
    feed(watch, tmp_path / "images", tmp_path / "a.dcm", tmp_path / "b.dcm")
    clock.now += QUIET
    watch.run(once=True)
    counts = sorted(
        len(one.SegmentSequence) for one in archive.kept.values() if one.Modality == "SEG"
    )
    assert counts == [1, 2]


def test_what_comes_twice_is_done_once(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_case(tmp_path / "case")
    for _ in range(3):
        watch = make()
        feed(watch, tmp_path / "case")
        feed(watch, tmp_path / "case")
        clock.now += QUIET
        watch.run(once=True)
    assert archive.modalities() == ["SEG", "SR"]
    assert len(archive.asked) == 2
    # What was worked through waits for nothing any more; the images go after their time.
    clock.now += 73 * 3600
    make().run(once=True)
    assert list((tmp_path / "work" / "incoming").iterdir()) == []


def test_a_result_that_the_pacs_sends_back_to_us_asks_for_nothing(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_case(tmp_path / "case")
    watch = make()
    feed(watch, tmp_path / "case")
    clock.now += QUIET
    watch.run(once=True)
    first = dict(archive.kept)
    again = make()
    for one in first.values():
        feed(again, save(one, tmp_path / "back" / f"{one.Modality}.dcm"))
    clock.now += QUIET
    again.run(once=True)
    assert archive.kept == first


def test_a_series_is_whole_after_a_quiet_time(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = write_case(tmp_path / "case", 1, 6)
    watch = make()
    feed(watch, report_file)
    for path in sorted((tmp_path / "case" / "images").iterdir()):
        clock.now += 20
        feed(watch, path)
        assert not watch.step()
        assert statuses(tmp_path) == []
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]


def test_a_series_with_a_gap_fails_in_words_and_is_done_when_the_rest_comes(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = write_case(tmp_path / "case", 1, 6)
    (tmp_path / "late").mkdir()
    for path in list((tmp_path / "case" / "images").iterdir()):
        if float(pydicom.dcmread(path).ImagePositionPatient[2]) == 6.0:
            path.rename(tmp_path / "late" / "slice.dcm")
    watch = make()
    feed(watch, tmp_path / "case" / "images", report_file)
    clock.now += QUIET
    watch.run(once=True)
    (row,) = status_of(tmp_path / "work")
    assert row.status == "failed"
    assert "missing" in row.message or "gap" in row.message
    assert archive.asked == []
    again = make()
    again.run(once=True)  # and it is not tried in vain
    assert archive.asked == []
    again = make()
    feed(again, tmp_path / "late")
    clock.now += QUIET
    again.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]
    assert archive.modalities() == ["SEG", "SR"]


class Failing(Quick):
    """Fails some times."""

    def __init__(self, times: int, error: Exception) -> None:
        super().__init__()
        self.times, self.error = times, error

    def segment(self, *given: Any, **more: Any) -> Any:
        """As Quick, later."""
        self.times -= 1
        if self.times >= 0:
            raise self.error
        return super().segment(*given, **more)


@pytest.mark.parametrize(
    "error", [SegmentationError("The worker has died."), RuntimeError("P-4711"), MemoryError()]
)
def test_a_trouble_of_the_machine_is_tried_again(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path, error: Exception
) -> None:
    write_case(tmp_path / "case")
    watch = make(segmenter=Failing(3, error))
    feed(watch, tmp_path / "case")
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]
    assert not any(secret in texts(tmp_path / "work") for secret in SECRETS)


def test_what_fails_again_and_again_is_given_up_and_can_be_asked_for(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_case(tmp_path / "case", 1)
    write_case(tmp_path / "other", 2)
    failing = Failing(5, SegmentationError("The worker has died."))
    watch = make(segmenter=failing)
    feed(watch, tmp_path / "case")
    clock.now += 1
    feed(watch, tmp_path / "other")
    clock.now += QUIET
    watch.run(once=True)
    rows = status_of(tmp_path / "work")
    assert sorted(row.status for row in rows) == ["done", "failed"]
    assert any("The worker has died." in row.message for row in rows)
    again = make()
    assert again.retry_failed() == 1
    again.run(once=True)
    assert statuses(tmp_path) == [("done", "yes"), ("done", "yes")]
    assert archive.modalities() == ["SEG", "SEG", "SR", "SR"]


def test_a_refused_result_shows_and_can_be_sent_again(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    write_case(tmp_path / "case")
    archive.answer = Stored(False, "It does not take this.", False)
    watch = make()
    feed(watch, tmp_path / "case")
    clock.now += QUIET
    watch.run(once=True)
    (row,) = status_of(tmp_path / "work")
    assert (row.status, row.sent, row.message) == ("done", "refused", "It does not take this.")
    archive.answer = None
    again = make()
    assert again.retry_failed() == 1
    again.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]


class Source:
    """A PACS that has the images of a folder."""

    words = "the source"

    def __init__(self, folder: Path) -> None:
        self.files = {
            str(pydicom.dcmread(p).SOPInstanceUID): p.read_bytes() for p in folder.iterdir()
        }

    def images(self, _study: str, _series: str) -> list[Image]:
        """All of them."""
        return [Image(uid) for uid in self.files]

    def fetch(self, _s: str, _t: str, images: list[Image], receive: Any, _cancelled: Any) -> None:
        """One by one."""
        for image in images:
            receive(image.instance, self.files[image.instance])


def test_images_that_a_measurement_lacks_are_fetched(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = write_case(tmp_path / "case")
    watch = make(source=Source(tmp_path / "case" / "images"))
    feed(watch, report_file)
    clock.now += QUIET
    assert not watch.step()
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]


def test_a_fetch_that_breaks_is_gone_on_with_and_no_part_is_segmented(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    class Breaking(Source):
        breaks = 2

        def fetch(self, *given: Any) -> None:
            images, receive = given[2], given[3]
            for number, image in enumerate(images):
                if self.breaks and number == 2:
                    self.breaks -= 1
                    raise PacsError("The connection broke.")
                receive(image.instance, self.files[image.instance])

    report_file = write_case(tmp_path / "case")
    count = len(list((tmp_path / "case" / "images").iterdir()))
    source = Breaking(tmp_path / "case" / "images")
    watch = make(source=source)
    feed(watch, report_file)

    def step_until(holds: Callable[[], Any]) -> None:
        for _ in range(1000):  # a pause of milliseconds may not be over at the next step
            clock.now += QUIET + 36  # a part would be taken for whole
            watch.step()
            if holds():
                return
            time.sleep(0.002)
        pytest.fail("No step went on with the fetch")

    for breaks in (1, 0):
        step_until(lambda left=breaks: source.breaks == left)
        assert not list(watch.places.incoming.rglob("*.dcm"))[1:]  # the report alone
        assert statuses(tmp_path) == []
    step_until(lambda: list(watch.places.incoming.rglob("*.dcm"))[1:])
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]
    (segmented,) = [one for one in archive.kept.values() if one.Modality == "SEG"]
    sequence = segmented.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert len(sequence) <= count
    assert not list(watch.places.fetching.iterdir())


def test_images_that_never_come_are_told_and_still_welcome(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = write_case(tmp_path / "case")
    watch = make()
    feed(watch, report_file)
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == []
    clock.now += 73 * 3600
    make().run(once=True)
    (row,) = status_of(tmp_path / "work")
    assert (row.status, row.message) == (
        "failed",
        "The images of this measurement have not come.",
    )
    late = make()
    feed(late, tmp_path / "case" / "images")
    clock.now += QUIET
    late.run(once=True)
    assert ("done", "yes") in statuses(tmp_path)


def lying(tmp_path: Path) -> int:
    return len([p for p in (tmp_path / "work" / "incoming").rglob("*") if p.is_file()])


def with_a_prior(folder: Path) -> Path:
    """A series, and a report with a line on it and one on a series that is not here."""
    write_study(folder / "images", 1, 5)
    write_study(folder / "prior", 2, 5)
    now, prior = headers(folder / "images"), headers(folder / "prior")
    made = report(now)
    other = report(prior).ContentSequence[0].ContentSequence[0]
    made.ContentSequence[0].ContentSequence.append(other)
    return save(made, folder / "report.dcm")


def test_what_lacks_a_prior_s_images_is_segmented_told_of_and_let_go(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = with_a_prior(tmp_path / "case")
    said: list[str] = []
    watch = make(wait_h=10.0, keep_h=20.0, say=said.append)
    feed(watch, tmp_path / "case" / "images", report_file)
    clock.now += QUIET
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]
    assert archive.modalities() == ["SEG", "SR"]
    clock.now += 9 * 3600
    make(wait_h=10.0, keep_h=20.0).run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]  # the prior may still come
    clock.now += 2 * 3600
    make(wait_h=10.0, keep_h=20.0, say=said.append).run(once=True)
    rows = {row.status: row for row in status_of(tmp_path / "work")}
    assert sorted(rows) == ["done", "failed"]
    assert "1 of the 2 images that this measurement names has not come in 10 hours" in (
        rows["failed"].message
    )
    assert sum("1 of the 2 images" in line for line in said) == 1
    assert lying(tmp_path) == 5  # the measurement is gone, its images have their time
    clock.now += 21 * 3600
    again = make(wait_h=10.0, keep_h=20.0, say=said.append)
    assert again.retry_failed() == 0
    assert any("can't be tried again" in line for line in said)
    again.run(once=True)
    assert lying(tmp_path) == 0
    assert len(archive.asked) == 2
    # Sent again with all of its images, it is done, and what was told is not true any more.
    late = make(wait_h=10.0, keep_h=20.0)
    feed(late, tmp_path / "case")
    clock.now += QUIET
    late.run(once=True)
    assert {row.status for row in status_of(tmp_path / "work")} == {"done"}
    assert archive.modalities() == ["SEG", "SEG", "SR", "SR"]


def test_a_prior_that_comes_in_time_is_segmented_too(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = with_a_prior(tmp_path / "case")
    watch = make()
    feed(watch, tmp_path / "case" / "images", report_file)
    clock.now += QUIET
    watch.run(once=True)
    clock.now += 3600
    again = make()
    feed(again, tmp_path / "case" / "prior")
    clock.now += QUIET
    again.run(once=True)
    assert statuses(tmp_path) == [("done", "yes"), ("done", "yes")]
    clock.now += 73 * 3600
    make().run(once=True)
    assert lying(tmp_path) == 0


def test_a_lonely_measurement_that_is_tried_again_has_its_whole_time_again(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    report_file = write_case(tmp_path / "case")
    first = make()
    feed(first, report_file)
    clock.now += 73 * 3600
    first.run(once=True)
    assert statuses(tmp_path) == [("failed", "")]
    again = make(source=Source(tmp_path / "case" / "images"))
    assert again.retry_failed() == 1
    clock.now += QUIET
    assert not again.step()  # fetches
    clock.now += QUIET
    again.run(once=True)
    assert sorted(statuses(tmp_path)) == [("done", ""), ("done", "yes")]


def test_what_nobody_tries_again_is_deleted_in_its_time(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path
) -> None:
    lonely = write_case(tmp_path / "lonely", 2)
    write_case(tmp_path / "case", 1)
    broken = Failing(99, SegmentationError("The worker has died."))
    watch = make(segmenter=broken, wait_h=10.0, keep_h=20.0)
    feed(watch, lonely, tmp_path / "case")
    clock.now += QUIET
    watch.run(once=True)
    clock.now += 29 * 3600
    make(wait_h=10.0, keep_h=20.0).run(once=True)
    assert lying(tmp_path) == 7
    clock.now += 2 * 3600
    said: list[str] = []
    last = make(wait_h=10.0, keep_h=20.0, say=said.append)
    last.run(once=True)
    assert lying(tmp_path) == 0
    assert sum("was kept long enough and is deleted" in line for line in said) == 2
    assert statuses(tmp_path) == [("failed", ""), ("failed", "")]
    assert last.retry_failed() == 0


def test_two_in_one_folder_are_refused(make: Make, archive: Archive) -> None:
    watch = make()
    with pytest.raises(ConfigError, match="is writing into"):
        Watch(WatchSpec(watch.places.work), archive, Quick())


class PowerCut(BaseException):
    """Ends everything at once: nothing that tidies up may count."""


def test_a_power_cut_at_any_moment_ends_in_exactly_one_result(
    tmp_path: Path, archive: Archive, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cuts before and after every step that changes the disk or the archive, one run each."""
    write_case(tmp_path / "case", 1, 3)
    images = headers(tmp_path / "case" / "images")

    templates = []
    numbers = itertools.count(10**20)
    for modality in ("SEG", "SR"):
        made = report(images, instance=f"1.2.{10**20}")
        made.Modality, made.Manufacturer = modality, "MASAM"
        templates.append(save(made, tmp_path / "made.dcm").read_bytes())

    def write_quickly(paths: list[Path], *_: Any) -> tuple[str, ...]:
        for path, template in zip(paths, templates, strict=True):
            own = str(next(numbers)).encode()  # another unique id each time
            write_bytes(path, template.replace(str(10**20).encode(), own))
        return ()

    # Of the work itself only what it writes counts here.
    volume = read_volume(tmp_path / "case" / "images")
    quick: dict[str, Any] = {
        "write_files": write_quickly,
        "read_apart": lambda *_, **__: volume,
        "records_of_files": lambda *_: [PromptRecord(BoxPrompt.from_voxels(1, 2, 1, 2, 1, 2))],
        "segment_records": lambda *_, **__: [],
        "measurement_rows": lambda *_: [],
    }
    for name, function in quick.items():
        monkeypatch.setattr(f"masam_core.watch.work.{name}", function)
    monkeypatch.setattr(os, "fsync", lambda _number: None)
    middle = next(
        path
        for path in (tmp_path / "case" / "images").iterdir()
        if pydicom.dcmread(path).SOPInstanceUID == images[1].SOPInstanceUID
    )
    files = [middle, tmp_path / "case" / "report.dcm"]  # what the two others do is the same

    class Counted(Archive):
        def store(self, path: Path) -> Stored:
            step()
            stored = super().store(path)
            step()
            return stored

    left = -1

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise PowerCut

    def cutting(function: Any) -> Any:
        def run(*given: Any, **more: Any) -> Any:
            step()
            found = function(*given, **more)
            step()
            return found

        return run

    for name in ("replace", "rename", "mkdir", "unlink"):
        monkeypatch.setattr(os, name, cutting(getattr(os, name)))

    def night(work: Path, there: Counted, one_after_the_other: bool) -> None:
        watch = Watch(
            WatchSpec(work, reserve_bytes=0, first_pause_s=0.001, most_pause_s=0.002),
            there,
            Quick(),
            now=clock,
        )
        try:
            for path in files:  # the sender sends again what was not confirmed
                watch.shelf.take(path.read_bytes())
            clock.now += QUIET
            while one_after_the_other:
                idle = watch.step()
                if watch._sender.send() and idle:
                    break
        finally:
            watch.close()

    cut = 0
    while True:
        cut += 1
        there = Counted()
        left = cut
        work = tmp_path / f"work{cut}"
        try:
            night(work, there, True)
        except PowerCut:
            left = -1
            night(work, there, True)
        else:
            break
        finally:
            left = -1
        assert there.modalities() == ["SEG", "SR"], f"cut {cut}"
        (row,) = status_of(work)
        assert (row.status, row.sent) == ("done", "yes"), f"cut {cut}"
    assert cut > 40


def test_what_nobody_foresaw_does_not_end_the_night(
    make: Make, archive: Archive, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case(tmp_path / "case")
    said: list[str] = []
    watch = make(say=said.append)
    feed(watch, tmp_path / "case")
    clock.now += QUIET
    step, send = watch.step, archive.store
    broken = {"step": 2, "send": 2}

    def stumble(name: str) -> None:
        broken[name] -= 1
        if broken[name] >= 0:
            raise OSError(5, "Input/output error", "/home/Mustermann/P-4711")

    def stumbling_step() -> bool:
        stumble("step")
        return step()

    def stumbling_store(path: Path) -> Stored:
        stumble("send")
        return send(path)

    monkeypatch.setattr(watch, "step", stumbling_step)
    monkeypatch.setattr(archive, "store", stumbling_store)
    watch.run(once=True)
    assert statuses(tmp_path) == [("done", "yes")]
    assert sum("Input/output error" in line for line in said) == 2
    assert not any(secret in line for line in said for secret in SECRETS)
