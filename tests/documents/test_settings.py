"""docs/settings.md says of every setting what the source says of it."""

from __future__ import annotations

import dataclasses

import pytest
from documents.settings_page import PAGE, attributes, groups_of_settings, settings_page

from LungUNetSegLib.training.config import TrainingConfig
from LungUNetSegLib.training.presets import read_config


def test_the_page_is_what_the_source_makes_it() -> None:
    """Protects readers of docs/settings.md; `python tests/documents/settings_page.py` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == settings_page()


@pytest.mark.parametrize("kind", list(groups_of_settings()), ids=lambda kind: kind.__name__)
def test_every_setting_is_explained(kind: type) -> None:
    """Protects from a setting without a word; of a group whose own sentence says what all are, none has one."""
    said, names = attributes(kind), [field.name for field in dataclasses.fields(kind)]
    assert not said or [name for name in names if name not in said] == []


def test_the_commands_that_the_page_gives_do_what_it_says() -> None:
    """`--set augment.flip=0` changes one setting of a group, and `--set pathology=null` switches one off."""
    config = read_config("lungs", None, ["augment.flip=0", "pathology=null"])
    assert config.augment is not None and config.augment.flip == 0 and config.pathology is None
    assert "--set augment.flip=0" in PAGE.read_text(encoding="utf-8")


def test_a_setting_over_several_lines_is_read_whole() -> None:
    assert attributes(TrainingConfig)["average_decay"].endswith("If there is an average, it is validated and used.")
