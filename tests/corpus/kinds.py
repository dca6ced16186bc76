"""One awkward input: what it is, what must come of it, and what came.

A kind makes its files in a folder of its own and reads them. What came is right (the clean scan's values, place and
sides, or the clean reference's mask), said (by a finding's code) or refused (by an error of ours that names the file).
Anything else is wrong: a wrong result without a word, an error that is not ours, or a message that does not help.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpus.bench import Bench, Trial

from LungUNetSegLib.errors import LungUNetSegError, ReadError

Result = Literal["right", "said", "refused", "wrong"]
Attempt = Callable[[Bench], Trial]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One awkward input.

    Attributes:
        section: The part of docs/robustness.md in which it stands.
        name: What is awkward.
        expected: What must come of it.
        codes: Of the findings that must be among those that are told.
        error: Class of the refusal.
        words: What the refusal must say.
        attempt: Makes the input, reads it and compares.
        is_slow: Whether it runs the shipped network, or otherwise takes more than a second.
    """

    section: str
    name: str
    expected: Result
    codes: tuple[str, ...] = ()
    error: type[LungUNetSegError] = ReadError
    words: tuple[str, ...] = ()
    attempt: Attempt
    is_slow: bool = False


@dataclass(frozen=True)
class Verdict:
    """What came of a kind.

    Attributes:
        result: Right, said, refused, or wrong.
        told: The codes of the findings, or the error's class.
        fault: Why it is not what was expected; empty if it is.
    """

    result: Result
    told: str
    fault: str = ""


KINDS: list[Kind] = []


class Section:
    """Adds the kinds of one section of the page; each method takes the attempt as a function, or decorates one.

    Args:
        name: What the kinds have in common.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def right(self, name: str, attempt: Attempt | None = None, *, slow: bool = False) -> Callable[[Attempt], Attempt]:
        """The clean result, and nothing to remark."""
        return self._add(attempt, name=name, expected="right", is_slow=slow)

    def said(self, name: str, codes: str, attempt: Attempt | None = None, *, slow: bool = False) -> Callable:
        """A result with these findings, their codes parted by spaces; where the trial compares, a right one."""
        return self._add(attempt, name=name, expected="said", codes=tuple(codes.split()), is_slow=slow)

    def refused(
        self,
        name: str,
        words: str | tuple[str, ...],
        attempt: Attempt | None = None,
        error: type[LungUNetSegError] = ReadError,
        *,
        slow: bool = False,
    ) -> Callable:
        """An error of this class that says these words."""
        listed = (words,) if isinstance(words, str) else words
        return self._add(attempt, name=name, expected="refused", words=listed, error=error, is_slow=slow)

    def _add(self, attempt: Attempt | None, **about: object) -> Callable[[Attempt], Attempt]:
        def add(function: Attempt) -> Attempt:
            KINDS.append(Kind(section=self.name, attempt=function, **about))  # type: ignore[arg-type]
            return function

        if attempt is not None:
            add(attempt)
        return add


def judge(kind: Kind, folder: Path) -> Verdict:
    """Try one kind in a folder of its own."""
    try:
        trial = kind.attempt(Bench(folder))
    except LungUNetSegError as error:
        return _judged_refusal(kind, error)
    except Exception as error:  # whatever it is, no user could make anything of it
        return Verdict("wrong", type(error).__name__, f"an error that is not ours: {error!r}")
    told = " ".join(trial.codes)
    if trial.fault and not trial.codes:
        return Verdict("wrong", told, trial.fault)
    if kind.expected == "right":
        return Verdict("said" if told else "right", told, f"remarked upon: {told}" if told else "")
    if kind.expected == "refused":
        return Verdict("said" if told else "right", told, f"taken, though it should be refused: {told} {trial.fault}")
    missing = [code for code in kind.codes if code not in trial.codes]
    fault = f"not said: {' '.join(missing)}" if missing else trial.fault
    return Verdict("said" if told else "wrong", told, fault)


def _judged_refusal(kind: Kind, error: LungUNetSegError) -> Verdict:
    name, message = type(error).__name__, str(error)
    if kind.expected != "refused":
        return Verdict("refused", name, f"refused, though it could be read: {message}")
    if not isinstance(error, kind.error):
        return Verdict("refused", name, f"another error than {kind.error.__name__}: {message}")
    missing = [word for word in kind.words if word not in message]
    if missing or "\n" in message:
        return Verdict("refused", name, f"does not say {', '.join(map(repr, missing))} in one line: {message}")
    return Verdict("refused", name)
