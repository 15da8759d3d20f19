"""Validation during training: on a copy, with the product's own inference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from masam_core.atomic import put_in_place
from masam_core.data.cases import Case
from masam_core.errors import ConfigError
from masam_core.inference.quality import Quality
from masam_core.inference.segmenter import Segmenter
from masam_core.model.checkpoint import save_model
from masam_core.model.evidence import ENOUGH, Evidence, evidence_of
from masam_core.model.masam import MASAM
from masam_core.scoring.claims import score_claims
from masam_core.scoring.evaluate import evaluate_automatic, evaluate_cases
from masam_core.scoring.summary import patients_of, summary_line
from masam_core.training.logs import Logs
from masam_core.training.settings import TrainConfig
from masam_core.training.state import RunState


def validate(
    config: TrainConfig, model: MASAM, cases: list[Case], state: RunState, logs: Logs
) -> str:
    """Evaluate a copy, since inference folds FacT into the weights; keep it if it is the best.

    Of a model without prompts its file also tells what these cases say of its confidence.

    Returns:
        A summary in one line.

    Raises:
        ConfigError: none of the cases holds any of the classes.
    """
    candidate = config.out / "candidate.safetensors"
    with state.averaged():
        save_model(model, candidate, kind=model.saved_as)
    device = model.pixel_mean.device
    segmenter = Segmenter(candidate, device, base=None if config.full else config.base)
    if state.volumes_ml is not None:
        scores, claims = score_claims(cases, segmenter, Quality.FAST, config.target)
        model.evidence = evidence_of(claims, state.volumes_ml)
    elif config.prompts is None:
        scores = evaluate_automatic(cases, segmenter, quality=Quality.FAST, target=config.target)
    else:
        scores = evaluate_cases(cases, segmenter, quality=Quality.FAST, target=config.target)
    if not scores:
        raise ConfigError(
            "No case with split 'val' holds anything of what is to be found, so weights can't be "
            "chosen by them. Hold other patients out, or set validate_every=0."
        )
    logs.scores(state.step, scores)
    patients = [float(np.mean([scores[n].dice for n in own])) for own in patients_of(scores)]
    if state.take(float(np.mean([s.dice for s in scores])), patients):
        if model.evidence is not None:
            with state.averaged():
                save_model(model, candidate, kind=model.saved_as)
        put_in_place(candidate, config.out / "best.safetensors")
    else:
        candidate.unlink()
    return summary_line(scores)


def confidence_words(evidence: Evidence | None, names: Sequence[str]) -> str:
    """Words on which classes' confidence will be shown, and what is wanting for the others.

    Args:
        evidence: of the model without prompts that was trained.
        names: of its classes.
    """
    classes = evidence.classes if evidence is not None else ()
    checked = [name for name, own in zip(names, classes, strict=False) if own.checked]
    known = f"The confidence is known of: {', '.join(checked) or 'nothing'}."
    if len(checked) == len(names):
        return known
    return (
        f"{known} It is shown as not known where something was found in fewer than {ENOUGH} "
        "held-out patients; hold more out (split 'val') and validate on them."
    )
