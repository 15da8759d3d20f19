"""The checkpoints that MASAM knows."""

from __future__ import annotations

from dataclasses import dataclass

from masam_core.errors import ConfigError

SAM_URL = "https://dl.fbaipublicfiles.com/segment_anything/"
MASAM_PAGE = "https://github.com/cchen-cc/MA-SAM"
MEDSAM_PAGE = "https://github.com/bowang-lab/MedSAM"


@dataclass(frozen=True)
class Entry:
    """A checkpoint of the catalogue.

    Attributes:
        name: what the user types.
        file: name under which it is kept.
        purpose: one line on what it is for.
        licence: of the weights.
        backbone: it holds or stands on.
        url: direct download, or None where a person must fetch it.
        sha256: published digest, or None where none is known.
        bytes: size, or None.
        how: how to get it, where there is no direct download.
        needs: catalogue name of the backbone file it stands on.
        asked: whether it answers prompts; False for one that segments whole volumes without.
    """

    name: str
    file: str
    purpose: str
    licence: str
    backbone: str
    url: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    how: str = ""
    needs: str | None = None
    asked: bool = True


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "bundled",
        "masam_vit_s14_tumour.safetensors",
        "Tumours in CT and MR from a tight 3D box; small, no GPU needed. Comes with MASAM.",
        "Apache-2.0 (backbone MIT)",
        "vit_s14",
        how="It comes with MASAM; this installation is incomplete, install it again.",
    ),
    Entry(
        "sam-vit-b",
        "sam_vit_b_01ec64.pth",
        "SAM, natural images: the base for training, or a box prompt slice by slice.",
        "Apache-2.0",
        "vit_b",
        SAM_URL + "sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        375042383,
    ),
    Entry(
        "sam-vit-l",
        "sam_vit_l_0b3195.pth",
        "SAM, larger.",
        "Apache-2.0",
        "vit_l",
        SAM_URL + "sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    Entry(
        "sam-vit-h",
        "sam_vit_h_4b8939.pth",
        "SAM, largest: the base of the paper's MA-SAM.",
        "Apache-2.0",
        "vit_h",
        SAM_URL + "sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        2564550879,
    ),
    Entry(
        "medsam-vit-b",
        "medsam_vit_b.pth",
        "MedSAM: medical images, a box prompt slice by slice.",
        "Apache-2.0",
        "vit_b",
        how=f"Download medsam_vit_b.pth by the link on {MEDSAM_PAGE}, then: "
        "masam models add medsam_vit_b.pth",
    ),
    Entry(
        "masam-authors",
        "masam_authors.pth",
        "MA-SAM as trained by its authors (organs in abdominal CT); stands on sam-vit-h.",
        "see its page",
        "vit_h",
        how=f"Download the weights by the links on {MASAM_PAGE}, then: "
        "masam models add FILE --name masam-authors",
        needs="sam-vit-h",
        asked=False,
    ),
)


def entry(name: str) -> Entry:
    """The entry of a name; ConfigError lists the known names."""
    for known in ENTRIES:
        if known.name == name:
            return known
    raise ConfigError(
        f"There is no model '{name}'. Known: {', '.join(e.name for e in ENTRIES)}; or give the "
        "path of a weight file."
    )
