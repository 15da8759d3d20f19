"""The page's geometry against SimpleITK and against figures worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.conftest import ROOT

PAGE = ROOT / "masam_workbench" / "page"
KINDS = {".js": "text/javascript", ".html": "text/html"}
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@pytest.fixture(scope="module")
def modules(browser: Any) -> Iterator[Any]:
    """A page that can import the workbench's modules, without a server."""
    page = browser.new_page()

    def answer(route: Any) -> None:
        path = PAGE / route.request.url.split("/", 3)[3]
        if path.name == "blank":
            route.fulfill(body="<!doctype html><title>-</title>", content_type="text/html")
        else:
            route.fulfill(body=path.read_bytes(), content_type=KINDS[path.suffix])

    page.route("http://page.test/**", answer)
    page.goto("http://page.test/blank")
    yield page
    page.close()


def volume(rng: np.random.Generator, degrees: float, order: str = "LPS") -> sitk.Image:
    """A small image with its own size, spacing, place and direction, turned about each axis."""
    array = rng.integers(-100, 100, size=(5, 6, 7)).astype(np.int16)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 1.1, 2.5))
    image.SetOrigin((-12.0, 30.0, 4.0))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(*np.deg2rad([degrees, -degrees / 2, degrees / 3]))
    image.SetDirection(turn.GetMatrix())
    return sitk.DICOMOrient(image, order) if degrees == 0 else image


def affineOf(image: sitk.Image) -> np.ndarray:
    """From voxels to RAS, (4, 4), by SimpleITK's own points."""
    at = [
        LPS_TO_RAS @ image.TransformContinuousIndexToPhysicalPoint([float(c) for c in corner])
        for corner in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    found = np.eye(4)
    found[:3, 3] = at[0]
    found[:3, :3] = (np.array(at[1:]) - at[0]).T
    return found


ORDER = """(affine) => {
  // Which voxel axis is nearest to R, A, S: the largest share of each row, greedily.
  const left = [0, 1, 2];
  const order = [0, 0, 0];
  for (const [row, axis] of affine.slice(0, 3).flatMap((_, r) => [0, 1, 2].map((c) => [r, c]))
    .sort((a, b) => Math.abs(affine[b[0]][b[1]]) - Math.abs(affine[a[0]][a[1]]))) {
    if (order[row] || !left.includes(axis)) continue;
    left.splice(left.indexOf(axis), 1);
    order[row] = (axis + 1) * Math.sign(affine[row][axis]);
  }
  return order;
}"""


@pytest.mark.parametrize(
    ("degrees", "order"), [(0, "LPS"), (0, "RAS"), (0, "PIL"), (0, "SLA"), (14, "LPS")]
)
def test_voxels_lie_where_simpleitk_says(modules: Any, degrees: float, order: str) -> None:
    rng = np.random.default_rng(1)
    image = volume(rng, degrees, order)
    affine = affineOf(image)
    size = np.array(image.GetSize())
    voxels = rng.integers(0, size, size=(20, 3))
    ras = [
        (LPS_TO_RAS @ image.TransformIndexToPhysicalPoint([int(c) for c in each])).tolist()
        for each in voxels
    ]
    array = sitk.GetArrayFromImage(image)
    values = [int(array[tuple(each[::-1])]) for each in voxels]
    script = f"""async ([affine, size, points, file]) => {{
      const {{ Grid }} = await import("/js/view/grid.js");
      const grid = new Grid(affine, size, ({ORDER})(affine.map((row) => row.slice(0, 3))));
      const {{ start, steps }} = grid.strides();
      return points.map((ras) => {{
        const o = grid.fromRas(ras);
        const [a, b, c] = o.map(Math.round);
        const off = Math.max(...o.map((x) => Math.abs(x - Math.round(x))));
        return {{ native: grid.toNative([a, b, c]), back: grid.toRas(o), off,
          value: file[start + a * steps[0] + b * steps[1] + c * steps[2]],
          ascends: grid.directions.every((d, n) => d[n] > 0) }};
      }});
    }}"""
    given = [affine.tolist(), size.tolist(), ras, array.ravel().tolist()]
    found = modules.evaluate(script, given)
    assert [each["native"] for each in found] == voxels.tolist()
    assert [each["value"] for each in found] == values
    assert all(each["ascends"] for each in found)
    assert max(each["off"] for each in found) < 1e-9
    np.testing.assert_allclose([each["back"] for each in found], ras, atol=1e-9)


def test_outlines_enclose_the_mask_and_nothing_else(modules: Any) -> None:
    rng = np.random.default_rng(2)
    mask = rng.random((9, 12)) > 0.45
    lines = modules.evaluate(
        """async ([rows, w, h]) => {
          const { outlines } = await import("/js/view/contours.js");
          return outlines((u, v) => rows[v][u], w, h);
        }""",
        [mask.tolist(), 12, 9],
    )
    # Half way between centres: each voxel has half its area, and each pair, square or triple of
    # neighbours gives what lies between them (the trapezium rule over squares of four centres).
    padded = np.pad(mask, 1).astype(int)
    corners = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    area = np.array([0, 1 / 8, np.nan, 7 / 8, 1])[corners]
    two = corners == 2
    diagonal = two & (padded[:-1, :-1] == padded[1:, 1:])
    area[two] = 1 / 2
    area[diagonal] = 1 / 4
    found = sum(
        0.5 * sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(line, line[1:] + line[:1], strict=True))
        for line in map(list, lines)
    )
    assert found == pytest.approx(area.sum())
    assert all(len(line) >= 4 for line in lines)


def test_a_box_is_cut_by_a_slice_as_it_lies(modules: Any) -> None:
    script = """async ([box, slice]) => {
      const { Grid } = await import("/js/view/grid.js");
      const { Camera } = await import("/js/view/camera.js");
      const { outline } = await import("/js/view/boxes.js");
      const grid = new Grid([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0]], [100, 100, 50], [1, 2, 3]);
      const camera = new Camera("axial", grid);
      camera.area = { left: 0, top: 0, width: 500, height: 500 };
      const found = outline(box, camera, slice);
      const at = found?.corners.map(([x, y]) => camera.fromScreen(x, y, slice));
      return found && { at, faces: found.faces };
    }"""
    turn = np.deg2rad(30)
    axes = [
        [np.cos(turn), np.sin(turn), 0],
        [-np.sin(turn), np.cos(turn), 0],
        [0.0, 0.0, 1.0],
    ]
    box = {"center": [50, 40, 40], "axes": axes, "size": [30, 20, 12]}
    found = modules.evaluate(script, [json.loads(json.dumps(box)), 20])
    corners = np.array([each[:2] for each in found["at"]])
    expected = [
        np.array([50, 40]) + a * 15 * np.array(axes[0][:2]) + b * 10 * np.array(axes[1][:2])
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    for each in expected:
        assert np.linalg.norm(corners - each, axis=1).min() < 1e-9
    assert len(corners) == 4
    for a, b, face in zip(corners, np.roll(corners, -1, axis=0), found["faces"], strict=True):
        outward = face["sign"] * np.array(axes[face["axis"]][:2])
        half = (a + b) / 2 - [50, 40]
        assert half @ outward == pytest.approx(box["size"][face["axis"]] / 2)
    assert modules.evaluate(script, [box, 24]) is None  # 8 mm above, of a half height of 6 mm
    assert modules.evaluate(script, [box, 22]) is not None


def test_the_projection_takes_the_largest_value_of_the_slab(modules: Any) -> None:
    rng = np.random.default_rng(3)
    array = rng.integers(-1000, 1000, size=(8, 5, 6)).astype(np.int16)  # KJI
    found = modules.evaluate(
        """async ([file, size]) => {
          const { Grid, PLANES } = await import("/js/view/grid.js");
          const { project } = await import("/js/view/slab.js");
          // i runs to the left, j to posterior.
          const grid = new Grid([[-1, 0, 0, 5], [0, -1, 0, 4], [0, 0, 3, 0]], size, [-1, -2, 3]);
          const image = { img: file, hdr: { scl_slope: 2, scl_inter: 5 } };
          return [...project(image, grid, PLANES.axial, 4, 10)];
        }""",
        [array.ravel().tolist(), [6, 5, 8]],
    )
    expected = array[3:6].max(axis=0)[::-1, ::-1] * 2 + 5  # 10 mm are three slices of 3 mm
    assert found == expected.ravel().tolist()
