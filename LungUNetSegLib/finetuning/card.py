"""Writes the card of a fine-tuned model, beside its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from LungUNetSegLib.cases.splits import Split
from LungUNetSegLib.files import finite, replacing
from LungUNetSegLib.finetuning.scores import LungScore, mean_dsc
from LungUNetSegLib.models.model import Model
from LungUNetSegLib.segments import title_of

CARD_FILE = "README.md"


def scores_json(before: Sequence[LungScore], after: Sequence[LungScore]) -> dict[str, Any]:
    """Return the scores for the model's manifest: those of each tested lung, and their means; None for NaN."""
    lungs = [
        {
            "case": old.case,
            "lung": old.lung,
            "dsc": [finite(old.dsc), finite(new.dsc)],
            "mean_surface_mm": [finite(old.mean_surface_mm), finite(new.mean_surface_mm)],
        }
        for old, new in zip(before, after, strict=True)
    ]
    means = [finite(mean_dsc(before)), finite(mean_dsc(after))]
    return {"held out, before and after fine-tuning": {"mean dsc": means, "lungs": lungs}}


def write_card(folder: Path, model: Model, base: Model, split: Split, scores: dict[str, Any]) -> None:
    """Write ``README.md`` into a model's folder.

    Args:
        folder: The model's folder.
        model: The fine-tuned model.
        base: The model from which the training started.
        split: The cases for training and for testing.
        scores: From `scores_json`.

    Raises:
        WriteError: The folder cannot be written.
    """
    date = model.manifest.date if model.manifest else ""
    text = f"""# {model.name}

Right and left lung in chest CT: the model `{base.name}` (SHA-256 {base.sha256[:12]}), trained further on {date} with
`lungunetseg finetune` on {len(split.training)} corrected scan(s). Research use, no medical device.
SHA-256 of the weights: {model.sha256}.

{comparison_table(scores)}
The table is of {len(split.test)} scan(s) that it did not learn from, of other patients. They are too few to show what
else has changed: test the model on more of your scans before you use it in place of `{base.name}`.

Learnt from: {", ".join(split.training)}.
Tested on: {", ".join(split.test)}.
"""
    with replacing(folder / CARD_FILE, ".md") as draft:
        draft.write_text(text, encoding="utf-8")


def comparison_table(scores: dict[str, Any]) -> str:
    """Return the scores before and after as a Markdown table, which is readable on a terminal too."""
    (found,) = scores.values()
    titles = ("case", "lung", "DSC before", "after", "change", "mean distance before, mm", "after")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in found["lungs"]:
        cells = [*_change(row["dsc"]), *(_text(each, 2) for each in row["mean_surface_mm"])]
        lines.append(f"| {row['case']} | {title_of(row['lung'])} | {' | '.join(cells)} |")
    lines.append(f"| **mean** | | {' | '.join(_change(found['mean dsc']))} | | |")
    return "\n".join(lines) + "\n"


def _change(pair: Sequence[float | None]) -> list[str]:
    before, after = pair
    difference = "" if before is None or after is None else f"{after - before:+.4f}"
    return [_text(before, 4), _text(after, 4), difference]


def _text(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
