"""Planes in which diameters may be asked for; loads nothing, so that options are there at once."""

from __future__ import annotations

from masam_core.keywords import Keyword


class DiameterPlane(Keyword):
    """What may be asked for.

    Attributes:
        AUTO: axial on CT, else the plane of acquisition.
        AXIAL, CORONAL, SAGITTAL: of the patient; of an oblique image the plane that lies nearest.
        ACQUISITION: the plane of the slices.
    """

    AUTO = "auto"
    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    ACQUISITION = "acquisition"
