"""Which ROIs belong to which volume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masam_core.batch.queue import BatchQueue
from masam_core.errors import ConfigError
from Testing.slicer.scene.conftest import Scene, block

SIZE = (5.0, 5.0, 5.0)


@pytest.fixture
def lesions(scene: Any) -> Any:
    from MASAMSlicerLib.scene.lesions import LesionList

    return LesionList(scene)


def named(found: dict[str, list[Any]], scene: Any) -> dict[str, list[str]]:
    return {scene.GetNodeByID(k).GetName(): [r.GetName() for r in v] for k, v in found.items()}


def test_by_name_the_longest_volume_name_wins(make: Scene) -> None:
    from MASAMSlicerLib.scene.pairing import roisByName

    volumes = [make.volume(name=name) for name in ("scan", "scan_1", "scan_10")]
    names = ("scan", "scan box", "scan_1 a", "scan_1.b", "scan_10-x", "scanner", "other")
    rois = [make.roi(np.eye(4), SIZE, name) for name in names]
    assert named(roisByName(volumes, rois), make.scene) == {
        "scan": ["scan", "scan box"],
        "scan_1": ["scan_1 a", "scan_1.b"],
        "scan_10": ["scan_10-x"],
    }


def test_by_folder_a_volume_alone_in_its_study_gets_the_boxes_beside_it(make: Scene) -> None:
    import slicer
    from MASAMSlicerLib.scene.pairing import roisByFolder

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(make.scene)
    root = hierarchy.GetSceneItemID()
    first, second, crowded = (hierarchy.CreateFolderItem(root, n) for n in "abc")

    def put(node: Any, folder: int) -> Any:
        item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
        hierarchy.SetItemParent(item, folder)
        return node

    volumes = [
        put(make.volume(name="one"), first),
        put(make.volume(name="two"), second),
        put(make.volume(name="three"), crowded),
        put(make.volume(name="four"), crowded),
        put(make.volume(name="loose"), root),
    ]
    rois = [
        put(make.roi(np.eye(4), SIZE, name), folder)
        for name, folder in (("r1", first), ("r2", second), ("r3", crowded), ("r4", root))
    ]
    assert named(roisByFolder(volumes, rois), make.scene) == {
        "one": ["r1"],
        "two": ["r2"],
        "three": [],
        "four": [],
        "loose": [],
    }


def test_a_roi_becomes_a_lesion_once(make: Scene, lesions: Any) -> None:
    from MASAMSlicerLib.scene.pairing import lesionsFromRois

    volume, other = make.volume(name="a"), make.volume(name="b")
    roi = make.roi(np.eye(4), SIZE)
    own = make.segmentation(volume)
    (first,) = lesionsFromRois(lesions, volume, [roi])
    (again,) = lesionsFromRois(lesions, volume, [roi])
    assert first.id == again.id
    (copy,) = lesionsFromRois(lesions, other, [roi])
    assert copy.roi is not roi
    assert copy.volume is other
    lesions.recordSegment(first, own, "none yet")
    assert lesions.lesion(first.id).segmentation is own
    third = make.volume(name="c")
    (copy,) = lesionsFromRois(lesions, third, [roi])
    assert copy.volume is third
    assert copy.segmentation is None  # a result of its own never goes into the first volume's
    assert lesions.lesion(first.id).volume is volume


def test_a_long_batch_of_volumes_without_boxes_ends(make: Scene) -> None:
    from MASAMSlicerLib.batch import VolumeBatch, VolumeCase
    from MASAMSlicerLib.session.session import Session

    def never() -> Any:
        raise AssertionError("There is nothing to ask the worker")

    cases = [VolumeCase(f"case {n}", "none", ()) for n in range(1500)]
    batch = VolumeBatch(Session(make.scene, never), cases)
    ended: list[bool] = []
    batch.start(None, None, lambda _: None, lambda: ended.append(True))  # type: ignore[arg-type]
    assert ended == [True]
    assert batch.queue.count("failed") == 1500


def test_a_batch_of_volumes_replaces_nothing_in_its_folder(make: Scene, tmp_path: Path) -> None:
    from MASAMSlicerLib.batch import VolumeBatch, VolumeCase
    from MASAMSlicerLib.session.session import Session

    def never() -> Any:
        raise AssertionError("There is nothing to ask the worker")

    def ended(batch: VolumeBatch) -> bool:
        done: list[bool] = []
        batch.start(None, None, lambda _: None, lambda: done.append(True))  # type: ignore[arg-type]
        return bool(done)

    files = BatchQueue(["a"], tmp_path, sources={"a": "/one/a.nii"})
    files.hold()
    files.start("a")
    files.finish("a", [{"image": "a"}])
    session = Session(make.scene, never)
    volumes = VolumeBatch(session, [VolumeCase("b", "none", ())], tmp_path)
    with pytest.raises(ConfigError, match="Another batch is writing into"):
        ended(volumes)
    files.release()
    assert ended(volumes)
    rows = (tmp_path / "measurements.csv").read_text("utf-8-sig").splitlines()[1:]
    assert [row.split(",")[:2] for row in rows] == [["b", "failed"], ["a", "done"]]
    files.hold()  # it has let go
    with pytest.raises(ConfigError, match=r"'a' is of /one/a\.nii"):
        VolumeBatch(session, [VolumeCase("a", "none", ())], tmp_path)


def test_segments_give_tight_boxes_once_and_stay_as_they_are(make: Scene, lesions: Any) -> None:
    import slicer
    from MASAMSlicerLib.scene.pairing import lesionsFromSegments
    from MASAMSlicerLib.scene.prompts import alignedBounds

    volume = make.volume()
    masks = [block((1, 4), (2, 5), (3, 9)), block((6, 8), (7, 13), (1, 3))]
    node = make.segmentation(volume, *masks)
    node.GetSegmentation().AddEmptySegment("none", "none")
    made = lesionsFromSegments(lesions, volume, node)
    assert [x.name for x in made] == ["scan s0", "scan s1"]
    low, high = alignedBounds(made[0].roi, volume)
    assert np.allclose(low, (2.5, 1.5, 0.5), atol=1e-5)
    assert np.allclose(high, (8.5, 4.5, 3.5), atol=1e-5)
    again = lesionsFromSegments(lesions, volume, node)
    assert [x.id for x in again] == [x.id for x in made]
    for number, mask in enumerate(masks):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, f"s{number}", volume)
        assert np.array_equal(array > 0, mask)
