"""Lists of scans are taken as people and spreadsheets write them; what is wrong in one is said with its row."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch_results import Command, plan_of

from LungUNetSegLib.batch.lists import Row, read_list
from LungUNetSegLib.errors import DataError
from LungUNetSegLib.io import write_image
from LungUNetSegLib.volume.volume import Volume


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_spreadsheet_s_list_is_read(tmp_path: Path, separator: str, line_end: str) -> None:
    """In half of Europe a spreadsheet separates cells by semicolons: no column `path` was found."""
    lines = ("path,id,site", '"a, b;c",one,Köln', "d,two,")
    text = line_end.join(line.replace(",", separator) if separator != "," else line for line in lines)
    text = text.replace(f"a{separator} b", "a, b")
    (tmp_path / "list.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_list(tmp_path / "list.csv") == [
        Row(tmp_path / "a, b;c", name="one", more={"site": "Köln"}),
        Row(tmp_path / "d", name="two"),
    ]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('[{"path": ["a", "b"]}]', r"'path' of entry 1 is \['a', 'b'\]; it has to be a text"),
        ('["a", {"path": 5}]', "'path' of entry 2 is 5"),
        ('[{"path": "a", "series_uid": 1.2}]', "'series_uid' of entry 1 is 1.2"),
        ('[{"path": "a", "site": {"name": "Bern"}}]', "'site' of entry 1 is {'name': 'Bern'}"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused(tmp_path: Path, content: str, match: str) -> None:
    """The file "['a', 'b']" was looked for."""
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(DataError, match=match):
        read_list(tmp_path / "list.json")


def test_a_list_in_another_encoding_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("path,site\na,Köln\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"list\.csv: the list is not UTF-8 text .*; save it as UTF-8"):
        read_list(tmp_path / "list.csv")


def test_a_scan_that_was_left_out_is_not_called_taken(thin: Volume, tmp_path: Path) -> None:
    """The third row was left out because "another row names the same scan", which was left out for its id."""
    write_image(tmp_path / "a.nrrd", thin)
    write_image(tmp_path / "b.nrrd", Volume(thin.array + 1, thin.geometry))
    (tmp_path / "list.csv").write_text("path,id\na.nrrd,one\nb.nrrd,one\nb.nrrd,two\n")
    plan = plan_of(tmp_path / "list.csv")
    assert [each.name for each in plan.taken] == ["one", "two"]
    assert [each.why for each in plan.skipped] == ["another row of the list has the id one"]


def test_results_may_not_lie_among_the_scans_of_a_list(batch: Command, thin: Volume, tmp_path: Path) -> None:
    """Protects from segmenting results, and from files of the batch that are counted among the scans'."""
    write_image(tmp_path / "a.nrrd", thin)
    (tmp_path / "list.csv").write_text("path\n.\n")
    code, _, stderr = batch(tmp_path / "list.csv")  # writes to tmp_path / "out"
    assert code != 0 and "lies inside of" in stderr and not (tmp_path / "out").exists()
