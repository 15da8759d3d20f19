"""Places of an earlier study in a later one: rigid as a whole, then around a lesion.

Mutual information (Mattes et al., 2003), so that CT and MR, or two sequences, can be compared; from
coarse to fine; every seed is fixed. First the whole volumes, rigid; then a crop around a lesion,
rigid and elastic (cubic B-splines, Rueckert et al., 1999), each only where it makes the crop more
alike. A transform takes points of the later study to the earlier one, as ITK resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from masam_core.errors import Cancelled
from masam_core.followup.likeness import Likeness, likeness
from masam_core.image.geometry import Geometry
from masam_core.image.volume import Volume

Points = NDArray[np.float64]
IsCancelled = Callable[[], bool]

COARSE_MM, MOST_COARSE = 3.0, 96  # of the whole volumes: finest voxel, most voxels along a side
FINE_MM, MOST_FINE = 1.5, 56  # of the crop around a lesion
AROUND_MM = 30.0  # of a lesion that belongs to its crop
NODES_MM = 40.0  # between nodes of the elastic grid: no finer than what a lesion's growth moves
BINS, SEED = 32, 20091  # of the histogram, of the sampling
SAMPLES_RIGID, SAMPLES_ELASTIC = 15_000, 6_000  # voxels that are compared in each step
STEPS_RIGID, STEPS_ELASTIC = 100, 20
LEAST_GAIN = 0.01  # of likeness, for which a deformation is taken: less is noise
LEAST_OVERLAP = 0.2  # of the smaller volume; less is no comparison
INVERSE_STEPS, INVERSE_MM = 60, 0.01


@dataclass(frozen=True, eq=False)
class Registration:
    """A way from a later study to an earlier one.

    Attributes:
        transform: takes LPS mm of the later study to LPS mm of the earlier one.
        likeness: how alike the two are under it, where they were compared.
        elastic: whether it is more than a rigid motion.
    """

    transform: sitk.Transform
    likeness: Likeness
    elastic: bool = False

    def to_earlier(self, points_lps: Points) -> Points:
        """Points (n, 3) of the later study, LPS mm, in the earlier one."""
        move = self.transform.TransformPoint
        return np.array([move([float(v) for v in point]) for point in np.atleast_2d(points_lps)])

    def to_later(self, points_lps: Points) -> Points:
        """Points (n, 3) of the earlier study, LPS mm, in the later one; by iteration."""
        wanted = np.atleast_2d(np.asarray(points_lps, dtype=np.float64))
        rigid = _linear_inverse(self.transform, wanted.mean(axis=0))
        found = wanted @ rigid[:3, :3].T + rigid[:3, 3]
        for _ in range(INVERSE_STEPS):
            off = wanted - self.to_earlier(found)
            if np.abs(off).max() < INVERSE_MM:
                break
            found = found + off @ rigid[:3, :3].T
        return found


def register_whole(
    earlier: Volume, later: Volume, cancelled: IsCancelled | None = None
) -> Registration:
    """Lay two volumes of a patient over each other, rigidly.

    Begins where the scanner's coordinates agree, where the volumes' centres do, and where their
    centres of brightness do, and goes on from what is most alike.

    Args:
        earlier, later: the volumes.
        cancelled: asked now and then.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    fixed, moving = coarse(later), coarse(earlier)
    best: tuple[float, sitk.Transform, Likeness] | None = None
    for start in _starts(fixed, moving):
        _ask(cancelled)
        moved = _optimise(fixed, moving, start, (4, 2), cancelled=cancelled)
        alike = likeness(fixed, moving, moved)
        rank = alike.value if alike.overlap >= LEAST_OVERLAP else alike.value - 1
        if best is None or rank > best[0]:
            best = rank, moved, alike
    assert best is not None  # there always is a start
    finer = _optimise(fixed, moving, best[1], (1,), cancelled=cancelled)
    return _better(Registration(best[1], best[2]), finer, fixed, moving, False)


def register_around(
    earlier: Volume,
    later: Volume,
    whole: Registration,
    place_lps: Points,
    elastic: bool = True,
    cancelled: IsCancelled | None = None,
) -> Registration:
    """Lay the surroundings of a lesion over each other: rigidly, then elastically.

    Args:
        earlier, later: the volumes.
        whole: of the volumes as a whole, where it starts.
        place_lps: (2, 3) lowest and highest LPS mm of the lesion in the earlier study.
        elastic: whether to deform.
        cancelled: asked now and then.

    Returns:
        The best of the three: as it was, moved, deformed. Its likeness is that of the crop.

    Raises:
        Cancelled: ``cancelled`` said so.
    """
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    box = np.asarray(place_lps)[0] + corners * np.diff(np.asarray(place_lps), axis=0)
    there = whole.to_later(box)
    low, high = there.min(axis=0) - AROUND_MM, there.max(axis=0) + AROUND_MM
    fixed = crop(later, low, high)
    margin = AROUND_MM  # the earlier crop is larger, so that nothing runs out of it
    moving = crop(earlier, place_lps[0] - AROUND_MM - margin, place_lps[1] + AROUND_MM + margin)
    if fixed is None or moving is None:
        return Registration(whole.transform, Likeness(0.0, 0.0), whole.elastic)
    best = Registration(whole.transform, likeness(fixed, moving, whole.transform))
    if best.likeness.overlap < LEAST_OVERLAP:
        return best
    _ask(cancelled)
    moved = _optimise(fixed, moving, _rigid_of(whole.transform), (2, 1), cancelled=cancelled)
    best = _better(best, moved, fixed, moving, False)
    if elastic:
        _ask(cancelled)
        deformed = _deform(fixed, moving, best.transform, cancelled)
        if deformed is not None:
            best = _better(best, deformed, fixed, moving, True)
    return best


def _better(
    best: Registration, other: sitk.Transform, fixed: sitk.Image, moving: sitk.Image, elastic: bool
) -> Registration:
    alike = likeness(fixed, moving, other)
    least = best.likeness.value + (LEAST_GAIN if elastic else 0.0)
    worse = alike.value <= least or alike.overlap < best.likeness.overlap - 0.1
    return best if worse else Registration(other, alike, elastic)


def _ask(cancelled: IsCancelled | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled("The comparison of the studies was cancelled.")


def _optimise(
    fixed: sitk.Image,
    moving: sitk.Image,
    start: sitk.Transform,
    shrink: tuple[int, ...],
    cancelled: IsCancelled | None = None,
) -> sitk.Transform:
    """The rigid motion of highest mutual information near a start."""
    method = _method(fixed, shrink, SAMPLES_RIGID)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0,
        minStep=0.01,
        numberOfIterations=STEPS_RIGID,
        relaxationFactor=0.6,
        gradientMagnitudeTolerance=1e-8,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    moved = sitk.Euler3DTransform(start)
    method.SetInitialTransform(moved, inPlace=True)
    return moved if _execute(method, fixed, moving, cancelled) else sitk.Euler3DTransform(start)


def _deform(
    fixed: sitk.Image, moving: sitk.Image, rigid: sitk.Transform, cancelled: IsCancelled | None
) -> sitk.Transform | None:
    """A rigid motion and a deformation after it; None where none is found."""
    size = np.array(fixed.GetSize()) * fixed.GetSpacing()
    mesh = [int(n) for n in np.maximum(1, np.rint(size / NODES_MM))]
    grid = sitk.BSplineTransformInitializer(fixed, mesh, order=3)
    method = _method(fixed, (1,), SAMPLES_ELASTIC)
    method.SetMovingInitialTransform(rigid)
    method.SetInitialTransform(grid, inPlace=True)
    method.SetOptimizerAsLBFGSB(
        gradientConvergenceTolerance=1e-5,
        numberOfIterations=STEPS_ELASTIC,
        maximumNumberOfCorrections=5,
        maximumNumberOfFunctionEvaluations=STEPS_ELASTIC,
        costFunctionConvergenceFactor=1e9,
    )
    if not _execute(method, fixed, moving, cancelled) or _folds(fixed, grid):
        return None
    # Of a composite the last that was added comes first: points are deformed, then moved.
    both = sitk.CompositeTransform(3)
    both.AddTransform(rigid)
    both.AddTransform(grid)
    return both


def _method(
    fixed: sitk.Image, shrink: tuple[int, ...], samples: int
) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    finest = fixed.GetNumberOfPixels() / min(shrink) ** 3
    method.SetMetricSamplingPercentage(min(1.0, samples / finest), SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel(list(shrink))
    method.SetSmoothingSigmasPerLevel([0.5 * (s - 1) for s in shrink])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    return method


def _execute(
    method: sitk.ImageRegistrationMethod,
    fixed: sitk.Image,
    moving: sitk.Image,
    cancelled: IsCancelled | None,
) -> bool:
    """Run it; False where ITK finds nothing to compare (samples all outside, an even image)."""
    if cancelled is not None:
        method.AddCommand(
            sitk.sitkIterationEvent, lambda: method.StopRegistration() if cancelled() else None
        )
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        return False
    finally:
        _ask(cancelled)
    return True


def _folds(fixed: sitk.Image, grid: sitk.Transform) -> bool:
    """Whether a deformation turns space inside out, or squeezes it beyond what tissue does."""
    to_field = sitk.TransformToDisplacementFieldFilter()
    to_field.SetReferenceImage(sitk.Shrink(fixed, [2, 2, 2]))
    field = to_field.Execute(grid)
    determinant = sitk.DisplacementFieldJacobianDeterminant(field)
    jacobian = sitk.GetArrayFromImage(determinant)
    return bool(jacobian.min() < 0.1 or jacobian.max() > 10)


def _starts(fixed: sitk.Image, moving: sitk.Image) -> list[sitk.Euler3DTransform]:
    """Motions to begin with, no two of them nearly the same; each turns about the centre."""
    centre = fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()])
    starts = [sitk.Euler3DTransform()]
    starts[0].SetCenter(centre)
    for mode in (
        sitk.CenteredTransformInitializerFilter.GEOMETRY,
        sitk.CenteredTransformInitializerFilter.MOMENTS,
    ):
        made = sitk.CenteredTransformInitializer(fixed, moving, sitk.Euler3DTransform(), mode)
        start = sitk.Euler3DTransform()
        start.SetCenter(centre)
        start.SetTranslation(sitk.Euler3DTransform(made).GetTranslation())
        shifts = [np.subtract(start.GetTranslation(), s.GetTranslation()) for s in starts]
        if all(np.linalg.norm(shift) > 5 for shift in shifts):
            starts.append(start)
    return starts


def _rigid_of(transform: sitk.Transform) -> sitk.Euler3DTransform:
    return sitk.Euler3DTransform(transform)


def _linear_inverse(transform: sitk.Transform, near: Points) -> NDArray[np.float64]:
    """(4, 4) affine that undoes a transform near a point, up to what is elastic in it."""
    start = np.array(transform.TransformPoint([float(v) for v in near]))
    # The place that is taken to ``near`` is not known; a rigid motion has one matrix everywhere.
    step = 1.0
    columns = [
        np.array(transform.TransformPoint([float(v) for v in near + step * axis])) - start
        for axis in np.eye(3)
    ]
    matrix = np.eye(4)
    left, _, right = np.linalg.svd(np.column_stack(columns))
    matrix[:3, :3] = left @ right
    matrix[:3, 3] = start - matrix[:3, :3] @ near
    return np.asarray(np.linalg.inv(matrix))


def coarse(volume: Volume) -> sitk.Image:
    """The whole volume with even voxels, coarse enough to be quick."""
    size = np.array(volume.geometry.size_ijk) * volume.geometry.spacing
    return _resampled(volume, np.zeros(3), size, COARSE_MM, MOST_COARSE)


def crop(volume: Volume, low: Points, high: Points) -> sitk.Image | None:
    """A box of the volume, LPS mm, along its own axes, with even voxels; None if it is outside."""
    geometry = volume.geometry
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    ijk = geometry.ijk_from_lps(low + corners * (np.asarray(high) - low))
    limit = np.array(geometry.size_ijk) - 0.5
    first = np.maximum(ijk.min(axis=0), -0.5)
    last = np.minimum(ijk.max(axis=0), limit)
    if (last - first <= 1).any():
        return None
    return _resampled(
        volume,
        (first + 0.5) * geometry.spacing,
        (last - first) * geometry.spacing,
        FINE_MM,
        MOST_FINE,
    )


def _resampled(
    volume: Volume, start_mm: Points, size_mm: Points, finest: float, most: int
) -> sitk.Image:
    """A part of a volume with even voxels, its values cut at their rarest and without noise."""
    geometry: Geometry = volume.geometry
    # In-plane detail helps only as far as there are slices to go with it.
    own = float(volume.geometry.spacing.min())
    spacing = max(finest, own, float(size_mm.max()) / most)
    image = sitk.GetImageFromArray(_part(volume, start_mm, size_mm))
    _place(image, geometry, start_mm)
    blur = [0.5 * spacing if s < spacing else 0.0 for s in image.GetSpacing()]
    if max(blur) > 0:
        image = sitk.SmoothingRecursiveGaussian(image, [max(b, 1e-3) for b in blur])
    out = [max(4, int(np.ceil(mm / spacing))) for mm in size_mm]
    origin = geometry.lps_from_ijk([(start_mm + spacing / 2) / geometry.spacing - 0.5])[0]
    return sitk.Resample(
        image,
        out,
        sitk.Transform(),
        sitk.sitkLinear,
        origin.tolist(),
        [spacing] * 3,
        image.GetDirection(),
        float(sitk.GetArrayViewFromImage(image).min()),
        sitk.sitkFloat32,
        True,  # what lies half a voxel outside takes the nearest value
    )


def _first_ijk(geometry: Geometry, start_mm: Points) -> NDArray[np.int64]:
    return np.maximum(0, np.floor(start_mm / geometry.spacing).astype(np.int64) - 2)


def _part(volume: Volume, start_mm: Points, size_mm: Points) -> NDArray[np.float32]:
    """Voxels (KJI) of a part, with a rim, and without what lies far out of its usual values."""
    geometry = volume.geometry
    first = _first_ijk(geometry, start_mm)
    last = np.ceil((start_mm + size_mm) / geometry.spacing).astype(np.int64) + 2
    i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    values = np.array(volume.array[k, j, i], dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros_like(values)
    low, high = np.percentile(values[finite][:: max(1, values.size // 200_000)], (0.5, 99.5))
    return np.asarray(np.clip(np.where(finite, values, low), low, high), dtype=np.float32)


def _place(image: sitk.Image, geometry: Geometry, start_mm: Points) -> None:
    image.SetSpacing(geometry.spacing.tolist())
    image.SetDirection(geometry.direction.flatten().tolist())
    origin = geometry.lps_from_ijk([_first_ijk(geometry, start_mm)])[0]
    image.SetOrigin(origin.tolist())
