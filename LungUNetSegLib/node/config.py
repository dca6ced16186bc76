"""Settings of a node: where it listens, which senders it accepts, which results it makes and where they go."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from LungUNetSegLib.errors import ConfigError
from LungUNetSegLib.io.endings import DicomFormat

LOCALHOST = "127.0.0.1"
LARGEST_PORT = 65535

LONGEST_TITLE = 16
"""Characters of an AE title (PS3.5 6.2)."""

MOST_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A DICOM application that results are sent to.

    Attributes:
        title: Its AE title.
        host: Name or address.
        port: TCP port.
    """

    title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Peer:
        """Return the peer that ``TITLE@HOST:PORT`` names.

        Raises:
            ConfigError: The text is invalid.
        """
        title, at, place = text.rpartition("@")
        host, colon, port = place.rpartition(":")
        if not (at and colon and title and host and port.isdecimal() and 0 < int(port) <= LARGEST_PORT):
            raise ConfigError(f"{text!r} is not a destination; write TITLE@HOST:PORT, such as ORTHANC@127.0.0.1:4242.")
        _check_title(title)
        return cls(title=title, host=host.strip("[]"), port=int(port))


@dataclass(frozen=True, kw_only=True)
class Web:
    """A DICOMweb server that is queried for new studies, instead of waiting for senders.

    Attributes:
        url: Its base URL, such as ``http://127.0.0.1:8042/dicom-web``.
        poll_s: Time between two queries.
        days: Number of days whose studies are queried, by study date; 1 for those of today.
    """

    url: str
    poll_s: float = 30.0
    days: int = 2

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        is_base = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        if not is_base or not _has_valid_port(self.url):
            raise ConfigError(f"{self.url!r} is not a DICOMweb address, such as http://127.0.0.1:8042/dicom-web.")
        if parts.username or parts.password:
            raise ConfigError("A password in an address is visible to all users of the machine: put it into ~/.netrc.")
        _check_positive("The time between two queries", self.poll_s)
        if not 1 <= self.days <= MOST_DAYS:
            raise ConfigError(f"The number of days must be between 1 and {MOST_DAYS}, got {self.days}.")


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Encryption of incoming connections.

    Attributes:
        certificate: The node's certificate, PEM.
        key: Its private key, PEM.
        clients: Certificates of the authorities that sign clients; None to accept clients without certificates.
    """

    certificate: Path
    key: Path
    clients: Path | None = None


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """Settings of a node.

    Attributes:
        folder: Folder for waiting studies, with everything that a restart needs.
        title: The node's AE title.
        host: Address to listen at.
        port: TCP port to listen at; 0 for any free one.
        titles: Calling AE titles to accept; empty for all.
        addresses: Addresses or networks to accept; empty for all.
        quiet_s: A study is complete when nothing came for this time.
        by_association: Whether it is also complete when its association ends regularly.
        formats: The objects to make of each study.
        send_to: Destination of the results by C-STORE.
        output: Folder for the results, if they are not sent.
        web: Server from which studies are fetched; results go back there if neither of the two is given. The node does
            not listen then.
        most_studies: Limit of waiting studies; further ones are refused.
        most_bytes: Limit of the size of all waiting studies.
        most_object_bytes: Limit of the size of one object.
        status_port: Port of the status page on this machine; 0 for any free one, None for no page.
        tls: Encryption; None for none.
    """

    folder: Path
    title: str = "LUNGUNETSEG"
    host: str = LOCALHOST
    port: int = 11112
    titles: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    quiet_s: float = 30.0
    by_association: bool = False
    formats: tuple[DicomFormat, ...] = ("dicom-seg",)
    send_to: Peer | None = None
    output: Path | None = None
    web: Web | None = None
    most_studies: int = 100
    most_bytes: int = 50_000_000_000
    most_object_bytes: int = 2 << 30
    status_port: int | None = None
    tls: Tls | None = None

    def __post_init__(self) -> None:
        places = sum(each is not None for each in (self.send_to, self.output))
        if places > 1 or not (places or self.web):
            raise ConfigError("Results go to one place: give either a destination to send to, or a folder.")
        for title in (self.title, *self.titles):
            _check_title(title)
        _check_ports([self.port] if self.status_port is None else [self.port, self.status_port])
        if "dicom-sr" in self.formats and "dicom-seg" not in self.formats:
            raise ConfigError("A report refers to a SEG: add dicom-seg to dicom-sr.")
        _check_positive("The quiet time", self.quiet_s)
        if self.most_studies < 1 or self.most_bytes < 1 or self.most_object_bytes < 1:
            raise ConfigError("The limits of waiting studies and of disk space must be positive.")
        for each in self.addresses:
            try:
                ipaddress.ip_network(each, strict=False)
            except ValueError:
                raise ConfigError(f"{each!r} is not an address or network, such as 10.0.0.7 or 10.0.0.0/24.") from None
        if not self.web and not self.is_local and not self.addresses:
            raise ConfigError(
                f"A node that listens at {self.host} is open to the network: give the addresses to accept, such as the"
                " PACS's."
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the node."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    def hears(self, address: str) -> bool:
        """Whether an address may connect."""
        try:
            own = ipaddress.ip_address(address)
        except ValueError:
            return False
        # A node that listens at :: sees senders of IPv4 as ::ffff:10.0.0.7.
        own = getattr(own, "ipv4_mapped", None) or own
        return not self.addresses or any(own in ipaddress.ip_network(each, strict=False) for each in self.addresses)


def _check_title(title: str) -> None:
    """Raise ConfigError unless a text is an AE title (PS3.5 6.2): ASCII without control characters and backslashes."""
    is_plain = title.isascii() and title.isprintable() and "\\" not in title and bool(title.strip())
    if not (is_plain and len(title) <= LONGEST_TITLE):
        raise ConfigError(f"An AE title has 1 to {LONGEST_TITLE} ASCII characters without backslashes, got {title!r}.")


def _check_ports(ports: Iterable[int]) -> None:
    for port in ports:
        if not 0 <= port <= LARGEST_PORT:
            raise ConfigError(f"A port is a number from 0 to {LARGEST_PORT}, got {port}.")


def _check_positive(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{what} must be positive, got {value:g}.")


def _has_valid_port(url: str) -> bool:
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port != 0
