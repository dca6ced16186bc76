"""Settings of a node that make no sense are told at its start, in a sentence."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from LungUNetSegLib.cli import main
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.node.config import NodeConfig, Peer, Web
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.node import Node


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"host": "0.0.0.0"}, "open to the network"),
        ({"send_to": Peer(title="A", host="b", port=1), "output": Path("x")}, "one place"),
        ({"formats": ("dicom-sr",)}, "refers to a SEG"),
        ({"addresses": ("nowhere",)}, "not an address"),
        *(({"title": title}, "1 to 16 ASCII") for title in ("", "   ", "x" * 17, "KLINIK-L\u00dcB", "A\\B", "A\nB")),
        ({"titles": ("PACS", "x" * 17)}, "1 to 16 ASCII"),
        ({"port": 65536}, "0 to 65535, got 65536"),
        ({"port": -1}, "0 to 65535"),
        ({"status_port": 70000}, "0 to 65535"),
        *(({"quiet_s": value}, "quiet time must be positive") for value in (0.0, math.nan, math.inf)),
    ],
)
def test_settings_that_make_no_sense(setting: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        NodeConfig(**{"folder": tmp_path, "output": tmp_path} | setting)


def test_destinations() -> None:
    assert Peer.parse("ORTHANC@10.0.0.1:4242") == Peer(title="ORTHANC", host="10.0.0.1", port=4242)
    assert Peer.parse("A B@[::1]:104") == Peer(title="A B", host="::1", port=104)
    for text in ("x", "A@b", "A@b:x", "@b:1", "A@b:0", "A@b:65536"):
        with pytest.raises(ConfigError, match="TITLE@HOST:PORT"):
            Peer.parse(text)
    for text in (f"{'x' * 17}@b:1", "L\u00dcB@b:1", " @b:1", "A\\B@b:1"):
        with pytest.raises(ConfigError, match="1 to 16 ASCII"):
            Peer.parse(text)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"url": "ftp://pacs"}, "not a DICOMweb address"),
        ({"url": "http://pacs:99999/dicom-web"}, "not a DICOMweb address"),
        ({"url": "http://pacs/dicom-web?x=1"}, "not a DICOMweb address"),
        ({"url": "http://me:secret@pacs/dicom-web"}, "netrc"),
        ({"url": "http://pacs", "days": 0}, "between 1 and 36500"),
        ({"url": "http://pacs", "days": 10**9}, "between 1 and 36500"),
        ({"url": "http://pacs", "poll_s": math.nan}, "positive, got nan"),
    ],
)
def test_servers_that_make_no_sense(setting: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Web(**setting)


def test_senders_of_ipv4_are_known_to_a_node_of_both_kinds(tmp_path: Path) -> None:
    """Protects from refusing all: at ``::`` the operating system shows 10.0.0.7 as ``::ffff:10.0.0.7``."""
    config = NodeConfig(folder=tmp_path, output=tmp_path, host="::", addresses=("10.0.0.0/24", "2001:db8::/32"))
    heard = [each for each in ("::ffff:10.0.0.7", "2001:db8::1", "10.0.0.7", "::ffff:10.0.1.7") if config.hears(each)]
    assert heard == ["::ffff:10.0.0.7", "2001:db8::1", "10.0.0.7"]


def test_folders_and_files_that_cannot_be_written_are_told_at_the_start(tmp_path: Path) -> None:
    """Protects from a node that runs for a night before its first result, or its journal, has no place."""
    pytest.importorskip("pynetdicom")
    pytest.importorskip("highdicom")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file/out: the folder for results cannot be made: Not a directory"):
        Node(NodeConfig(folder=tmp_path / "node", output=tmp_path / "file" / "out", port=0), None, Journal())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"none/journal: the journal cannot be written: No such file"):
        Journal(tmp_path / "none" / "journal")


@pytest.mark.parametrize("text", ["nan", "inf", "0", "-1", "x"])
def test_a_limit_that_is_no_number_is_wrong_usage(text: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    status = main(["node", "--folder", str(tmp_path), "-o", str(tmp_path), "--most-gb", text])
    assert (status, f"invalid positive number: '{text}'" in capsys.readouterr().err) == (2, True)
