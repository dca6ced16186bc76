"""Settings and splits: values that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable

from corpus.bench import Bench, Trial
from corpus.kinds import Section

from LungUNetSegLib.cases.splits import load_split
from LungUNetSegLib.config import parse_json
from LungUNetSegLib.errors import ConfigError, DataError
from LungUNetSegLib.training.presets import read_config

settings = Section("Settings and splits")


# Settings and splits


def setting(*texts: str, file: str | None = None) -> Callable[[Bench], Trial]:
    """The preset `lungs` with settings of a file and of the command line."""
    return lambda b: b.holds(
        bool(read_config("lungs", b.write("s.json", file) if file is not None else None, list(texts))), "taken"
    )


def _setting(name: str, words: str, *texts: str, file: str | None = None) -> None:
    settings.refused(name, words, setting(*texts, file=file), ConfigError)


settings.right("a setting in a file and another on the command line", setting("epochs=3", file='{"batch_size": 2}'))
_setting("a name that there is none of", "unknown setting 'epoch'", "epoch=3")
_setting("a name within another that there is none of", "unknown setting", "augment.flipp=1")
_setting("a word for a number", "epochs", "epochs=many")
_setting("a fraction for a count", "epochs", "epochs=1.5")
_setting("true for a count", "epochs", file='{"epochs": true}')
_setting("1e400", "learning_rate", "learning_rate=1e400")
_setting("NaN", "learning_rate", "learning_rate=NaN")
_setting("a count of no epochs", "epochs", "epochs=0")
_setting("a negative rate", "learning_rate", "learning_rate=-1")
_setting("a loss that there is none of", "loss", "loss=dice2")
_setting("a list for a number", "epochs", "epochs=[1,2]")
_setting("a setting without a value", "epochs", "epochs")
_setting("a setting that is there twice", "twice", file='{"epochs": 3, "epochs": 5}')
_setting("a file that is no JSON", "s.json", file="epochs: 3")
_setting("a file nested without end", "nested", file='{"a":' * 5000 + "1" + "}" * 5000)
_setting("a list for settings", "settings", file="[]")
_setting("a grid of two by two pixels", "size", "preprocess.size=[2,2]")


def split(text: str) -> Callable[[Bench], Trial]:
    return lambda b: b.holds(bool(load_split(b.write("split.json", text))), "taken")


settings.right("a split", split('{"training": ["a", "b"], "test": ["c"]}'))
settings.refused(
    "a split whose parts share a case", "both", split('{"training": ["a", "b"], "test": ["b"]}'), DataError
)
settings.refused(
    "a split that names a case twice", "twice", split('{"training": ["a", "a"], "test": ["b"]}'), DataError
)
settings.refused("a split with numbers for names", "split.json", split('{"training": [1], "test": []}'), ConfigError)
settings.refused("a split without a test", "test", split('{"training": ["a"]}'), ConfigError)
settings.refused("a text for a split's list", "split.json", split('{"training": "ab", "test": []}'), ConfigError)
settings.refused(
    "a split that is not there",
    "gone.json",
    lambda b: b.holds(bool(load_split(b.folder / "gone.json")), "taken"),
    DataError,
)
settings.right("deep JSON within reason", lambda b: b.holds(bool(parse_json("[" * 50 + "]" * 50)), "refused"))
