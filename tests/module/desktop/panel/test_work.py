"""Work of the panel in steps: one at a time; its errors are shown, and a bug's traceback reaches Slicer's log."""

from __future__ import annotations

import pytest

from LungUNetSegLib.errors import DataError


class Loop:
    """An event loop that is idle whenever a test says so."""

    def __init__(self):
        self.step = None

    def repeat(self, call):
        self.step = call

        def let_go():
            self.step = None

        return let_go


@pytest.fixture
def work(app, monkeypatch):
    """(a `Work`, its event loop, the messages it gave)."""
    from LungUNetSegSlicer.panel.work import Work
    from LungUNetSegSlicer.run import event_loop

    loop, messages = Loop(), []
    monkeypatch.setattr(event_loop, "slicer_loop", lambda: loop)
    return Work(messages.append), loop, messages


def steps(error=None):
    yield
    if error is not None:
        raise error
    return "result"


def test_the_result_is_handed_on(work):
    work, loop, messages = work
    results = []
    work.start(steps(), lambda result: results.append((result, work.running)))
    loop.step()
    assert work.running and results == []
    loop.step()
    assert results == [("result", False)] and loop.step is None and messages == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DataError("no lung"), "no lung"),
        (OSError("disk full"), "disk full"),
        (MemoryError(), "There is not enough memory"),
        (KeyError("bug"), "please report it: KeyError: 'bug'"),
    ],
)
def test_an_error_is_shown_and_a_bug_is_raised_too(work, error, said):
    """Protects bug reports: drawing regions and others once hid errors that were the program's own.

    Of memory that ran out Python says nothing, and the panel said nothing either.
    """
    work, loop, messages = work
    work.start(steps(error), pytest.fail)
    loop.step()
    if isinstance(error, (KeyError, MemoryError)):
        with pytest.raises(type(error)):
            loop.step()
    else:
        loop.step()
    assert len(messages) == 1 and said in messages[0]
    assert not work.running and loop.step is None


def test_what_is_stopped_calls_nothing(work):
    """A second start stops the first one."""
    work, loop, messages = work
    results = []
    work.start(steps(), pytest.fail)
    work.start(steps(), results.append)
    loop.step()
    loop.step()
    work.start(steps(), pytest.fail)
    work.stop()
    work.stop()
    assert results == ["result"] and messages == [] and not work.running and loop.step is None
