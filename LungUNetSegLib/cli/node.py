"""`lungunetseg node`: runs a DICOM node that segments the CT studies it receives."""

from __future__ import annotations

import argparse
from pathlib import Path

from LungUNetSegLib.cli.arguments import positive, thread_count
from LungUNetSegLib.cli.network_arguments import add_network_arguments
from LungUNetSegLib.cli.progress import ProgressView
from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.files import make_folder
from LungUNetSegLib.io.endings import DICOM_OUTPUT_ENDINGS
from LungUNetSegLib.models.model import load_model
from LungUNetSegLib.node.config import LOCALHOST, NodeConfig, Peer, Tls, Web
from LungUNetSegLib.node.journal import Journal
from LungUNetSegLib.node.node import Node
from LungUNetSegLib.segmentation.segmenter import Segmenter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `run` reads."""
    parser.add_argument(
        "--folder", type=Path, required=True, help="folder for waiting studies; a restarted node continues there"
    )
    _add_asking(parser)
    _add_results(parser)
    _add_listening(parser)
    _add_limits(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="append all events as JSON, one object per line")
    add_network_arguments(parser)
    parser.add_argument("--threads", type=thread_count, metavar="N", help="CPU threads; as many as there are cores")


def _add_asking(parser: argparse.ArgumentParser) -> None:
    ask = parser.add_argument_group("studies fetched from a PACS by DICOMweb, instead of listening for senders")
    ask.add_argument("--dicomweb", metavar="URL", help="the server, such as http://127.0.0.1:8042/dicom-web")
    ask.add_argument(
        "--poll", type=float, default=Web.poll_s, metavar="S",
        help="seconds between two queries; %(default)g if not given",
    )  # fmt: skip
    ask.add_argument(
        "--days", type=int, default=Web.days, metavar="N",
        help="number of days whose studies are queried, 1 for today's; %(default)d if not given",
    )  # fmt: skip


def _add_results(parser: argparse.ArgumentParser) -> None:
    place = parser.add_argument_group("where results go: one of these, or back to the PACS of --dicomweb")
    place.add_argument("--send", metavar="TITLE@HOST:PORT", help="send them by C-STORE to this DICOM application")
    place.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="write them into this folder")
    parser.add_argument(
        "--formats", nargs="+", choices=tuple(DICOM_OUTPUT_ENDINGS), default=NodeConfig.formats,
        help="the objects to make; dicom-seg if not given",
    )  # fmt: skip


def _add_listening(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--title", default=NodeConfig.title, help="the node's AE title; %(default)s if not given")
    parser.add_argument("--host", default=NodeConfig.host, help="address to listen at; this machine only if not given")
    parser.add_argument(
        "--port", type=int, default=NodeConfig.port,
        help="port to listen at, 0 for any free one; %(default)d if not given",
    )  # fmt: skip
    parser.add_argument("--allow", nargs="+", default=[], metavar="TITLE", help="AE titles to accept; all if not given")
    parser.add_argument("--allow-address", nargs="+", default=[], metavar="NET", help="addresses or networks to accept")
    parser.add_argument(
        "--quiet", type=float, default=NodeConfig.quiet_s, metavar="S",
        help="a study is complete when nothing came for this many seconds; %(default)g if not given",
    )  # fmt: skip
    parser.add_argument(
        "--by-association", action="store_true", help="a study is also complete when its association ends"
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what limits the room that studies take, and who may connect or look at the status."""
    parser.add_argument(
        "--most-studies", type=int, default=NodeConfig.most_studies, metavar="N",
        help="limit of waiting studies; %(default)d if not given",
    )  # fmt: skip
    parser.add_argument(
        "--most-gb", type=positive, default=NodeConfig.most_bytes / 1e9, metavar="GB",
        help="limit of disk space; %(default)g if not given",
    )  # fmt: skip
    parser.add_argument("--status-port", type=int, metavar="PORT", help="port of a status page for this machine")
    parser.add_argument("--tls", nargs=2, type=Path, metavar=("CERT", "KEY"), help="accept only encrypted connections")
    parser.add_argument(
        "--tls-clients", type=Path, metavar="CA", help="accept only clients whose certificate this authority signed"
    )


def run(arguments: argparse.Namespace, progress: ProgressView) -> int:
    """Serve until a signal ends it.

    Raises:
        LungUNetSegError: A setting, folder or port that cannot be used.
    """
    config = _config(arguments)
    make_folder(config.folder)  # the journal may lie in it
    segmenter = Segmenter(load_model(arguments.model), arguments.engine, arguments.device, arguments.threads)
    node = Node(config, segmenter, Journal(arguments.json))
    try:
        print(_welcome(node), flush=True)
        node.run()
    finally:
        node.close()
    return 0


def _config(arguments: argparse.Namespace) -> NodeConfig:
    if arguments.tls_clients and not arguments.tls:
        raise ConfigError("--tls-clients needs --tls CERT KEY.")
    tls = None
    if arguments.tls:
        certificate, key = arguments.tls
        tls = Tls(certificate=certificate, key=key, clients=arguments.tls_clients)
    return NodeConfig(
        folder=arguments.folder,
        title=arguments.title,
        host=arguments.host,
        port=arguments.port,
        titles=tuple(arguments.allow),
        addresses=tuple(arguments.allow_address),
        quiet_s=arguments.quiet,
        by_association=arguments.by_association,
        formats=tuple(arguments.formats),
        send_to=Peer.parse(arguments.send) if arguments.send else None,
        output=arguments.output,
        web=Web(url=arguments.dicomweb, poll_s=arguments.poll, days=arguments.days) if arguments.dicomweb else None,
        most_studies=arguments.most_studies,
        most_bytes=int(arguments.most_gb * 1e9),
        status_port=arguments.status_port,
        tls=tls,
    )


def _welcome(node: Node) -> str:
    """Return a sentence on the services that the node offers, and to whom."""
    config = node.config
    page = f"; status at http://{LOCALHOST}:{node.status_port}/" if node.status_port else ""
    if config.web:
        return f"{config.title} queries {config.web.url} for CT and does not listen{page}. For research only."
    who = "this machine only" if config.is_local else f"addresses {', '.join(config.addresses)}"
    titles = f"AE titles {', '.join(config.titles)}" if config.titles else "any AE title"
    way = "encrypted" if config.tls else "not encrypted"
    return (
        f"{config.title} accepts CT by C-STORE at {config.host}:{node.port}, {way}, from {who}, {titles}{page}."
        " For research only."
    )
