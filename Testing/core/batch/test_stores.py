"""Images in an object store: moto's, over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from masam_core.batch import stores
from masam_core.batch.cases import find_cases
from masam_core.batch.fingerprint import case_files
from masam_core.batch.spec import BatchSpec
from masam_core.batch.stores import Fetched, absolute, url_of
from masam_core.cluster.ray_worker import CaseWorker
from masam_core.errors import ConfigError
from masam_core.image.formats.registry import FORMATS
from Testing.core.batch.test_run import Quick, folder, run
from Testing.core.batch.test_shards import rows_of
from Testing.core.cluster import images
from Testing.core.image.formats.making import metaimage

__all__ = ["folder"]  # the fixture
BUCKET = "scans"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="the extra 'cloud' is not installed")
    moto = pytest.importorskip("moto.server")
    made = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def bucket(server: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The six images and label images of ``folder``, in a bucket of their own."""
    import s3fs

    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, "AWS_ENDPOINT_URL": server, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stores, "_known", {})
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    if files.exists(BUCKET):
        files.rm(BUCKET, recursive=True)
    files.mkdir(BUCKET)
    for path in folder.iterdir():
        files.put_file(str(path), f"{BUCKET}/2026/{path.name}")
    return files


def there(name: str = "") -> Path:
    return Path(f"s3://{BUCKET}/2026") / name


def test_a_batch_from_a_store_gives_what_one_from_a_folder_gives(
    bucket: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, tmp_path / "here", Quick())
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    most: list[int] = []

    class Looking(Quick):
        def segment(self, *arguments: Any, **named: Any) -> Any:
            most.append(len([*temporary.glob("masam-*/image")]))
            return super().segment(*arguments, **named)

    queue, whole = run(there(), tmp_path / "out", Looking())
    assert whole
    assert max(most) <= 2  # the case that is computed, and the one that is read meanwhile
    assert not [*temporary.glob("masam-*/image")]
    expected = rows_of(tmp_path / "here")
    for row in expected:
        row["messages"] = row["messages"].replace(str(folder), str(url_of(there())))
    assert rows_of(tmp_path / "out") == expected
    message = queue.cases["broken"].message
    assert f"s3://{BUCKET}/2026/broken.nii.gz" in message
    assert "incomplete" in message
    assert str(temporary) not in "".join(p.read_text() for p in (tmp_path / "out").rglob("*.log"))


def test_images_in_a_store_need_no_boxes_where_they_are_segmented_whole(
    bucket: Any, folder: Path
) -> None:
    found, _ = find_cases(there(), automatic=True)
    here, _ = find_cases(folder, automatic=True)
    assert [case.name for case in found] == [case.name for case in here]
    assert {str(url_of(case.image)) for case in found} == {
        f"s3://{BUCKET}/2026/{case.image.name}" for case in here
    }
    assert all(case.boxes == () for case in (*found, *here))


def test_only_what_has_changed_in_the_store_is_run_again(
    bucket: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run(there(), out, Quick())
    again = Quick()
    run(there(), out, again)
    assert again.seen == []
    for name, of in (("y.nii.gz", "z.nii.gz"), ("z_label.nii.gz", "y.nii.gz")):
        monkeypatch.setattr(stores, "_known", {})
        bucket.put_file(str(folder / of), f"{BUCKET}/2026/{name}")
        bucket.invalidate_cache()
        again = Quick()
        queue, _ = run(there(), out, again)
        assert [one for one in queue.notes if "run again" in one]
    assert again.seen == ["z"]


def test_a_list_may_name_images_in_a_store_and_boxes_here(
    bucket: Any, folder: Path, tmp_path: Path
) -> None:
    table = tmp_path / "list.csv"
    lines = [f"{url_of(there('a.nii.gz'))},{folder / 'a_label.nii.gz'}"]
    lines += [f"{url_of(there('y.nii.gz'))},{url_of(there('y_label.nii.gz'))}"]
    lines += [f"{url_of(there('gone.nii.gz'))},{folder / 'a_label.nii.gz'}"]
    table.write_text("\n".join(["image,boxes", *lines]))
    queue, _ = run(table, tmp_path / "out", Quick())
    assert [row[:2] for row in queue.table()] == [("a", "done"), ("y", "done"), ("gone", "failed")]
    assert f"s3://{BUCKET}/2026/gone.nii.gz can't be fetched: it is not there." in (
        queue.cases["gone"].message
    )


def test_series_and_headers_come_with_all_their_files(bucket: Any, tmp_path: Path) -> None:
    header = metaimage(tmp_path / "one.mhd")
    for path in tmp_path.glob("one.*"):
        bucket.put_file(str(path), f"{BUCKET}/2026/{path.name}")
    for number in range(3):
        bucket.pipe_file(f"{BUCKET}/2026/series/{number}.dcm", bytes([number]))
    case = find_cases(write_list(tmp_path, "one.mhd"))[0][0]
    with Fetched(case) as local:
        assert sorted(p.name for p in local.case.image.parent.iterdir()) == sorted(
            p.name for p in tmp_path.glob("one.*")
        )
        assert any(form.recognises(local.case.image.read_bytes()) for form in FORMATS), header
    assert not local.case.image.exists()
    series = find_cases(write_list(tmp_path, "series"))[0][0]
    with Fetched(series) as local:
        assert [p.read_bytes() for p in sorted(local.case.image.iterdir())] == [b"\0", b"\1", b"\2"]
    stamp = case_files(series)["image"]
    bucket.pipe_file(f"{BUCKET}/2026/series/1.dcm", b"x")
    bucket.invalidate_cache()
    assert stamp[:2] == [3, 3]
    assert case_files(series)["image"] != stamp


def write_list(folder: Path, name: str) -> Path:
    (folder / "list.csv").write_text(f"image,boxes\n{url_of(there(name))},a.mrk.json\n")
    return folder / "list.csv"


def test_a_worker_elsewhere_fetches_its_own_case_alone(bucket: Any, tmp_path: Path) -> None:
    quick = images.ROOT / "Testing" / "core" / "worker" / "quick.py"
    command = (sys.executable, str(quick))
    spec = BatchSpec(there(), tmp_path / "not-there", worker=command)
    worker = CaseWorker(spec.to_dict())
    worker.ready()
    cases = {case.name: case for case in find_cases(there())[0]}
    try:
        done, failed = worker.run(cases["a"]), worker.run(cases["broken"])
    finally:
        worker.close()
    assert [*done.files] == ["a.seg.nrrd"]
    assert (done.error, len(done.rows)) == ("", 1)
    assert any(f"s3://{BUCKET}/2026/a.nii.gz" in line for line in done.log)
    assert f"s3://{BUCKET}/2026/broken.nii.gz" in failed.error
    assert not spec.out.exists()


def test_what_can_not_be_reached_is_told(bucket: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"s3://nowhere/x.*(no image|listed)"):
        find_cases(Path("s3://nowhere/x"))
    with pytest.raises(ConfigError, match=r"nosuch://a/b can't be opened.*masam\[cloud\]"):
        find_cases(Path("nosuch://a/b"))
    with pytest.raises(ConfigError, match=r"results is s3://scans/out; expected one on a drive"):
        find_cases(there(), out=Path("s3://scans/out"))


def test_addresses_are_told_from_paths() -> None:
    assert url_of(Path("s3://b/c d/e.nii")) == "s3://b/c d/e.nii"
    assert url_of(there().parent / "x") == f"s3://{BUCKET}/x"
    for path in ("C:/a/b", "a/b", "/a/s3:/b", "s3:"):
        assert url_of(Path(path)) is None
    assert absolute(there()) == there()


def test_a_list_for_an_automatic_model_may_name_images_in_a_store(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("image\ns3://scans/a.nii.gz\nb.nii.gz\n")
    found = find_cases(tmp_path / "list.csv", automatic=True)[0]
    assert [case.image for case in found] == [Path("s3://scans/a.nii.gz"), tmp_path / "b.nii.gz"]


def test_no_name_in_a_store_leads_out_of_the_folder_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    odd = ["../outside/x.nii.gz", f"{outside}/y.nii.gz", "n" * 400, "a.nii.gz/inside"]
    names = ["a.nii.gz", "sub/b.nii.gz", *odd]

    class Store:
        def find(self, root: str, detail: bool) -> dict[str, Any]:
            return {f"{root}/{name}": {"size": 1, "ETag": name[:9]} for name in names}

    monkeypatch.setattr(stores, "_open", lambda url: (Store(), "scans/2026"))
    monkeypatch.setattr(stores, "_known", {})
    here = tmp_path / "here"
    here.mkdir()
    notes = stores.list_store("s3://scans/2026", here)
    assert sorted(p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()) == [
        "a.nii.gz",
        "sub/b.nii.gz",
    ]
    assert not outside.exists()
    assert len(notes) == 1
    assert notes[0].endswith("../outside/x.nii.gz, and 3 more.")
    assert [*stores._known] == ["s3://scans/2026/a.nii.gz", "s3://scans/2026/sub/b.nii.gz"]
