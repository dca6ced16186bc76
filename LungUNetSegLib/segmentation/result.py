"""Defines the result of a segmentation: labels on the scan's own grid, measurements and findings."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from LungUNetSegLib.findings import Finding
from LungUNetSegLib.measures import LungMeasures
from LungUNetSegLib.measures.density import Density
from LungUNetSegLib.segmentation.doubt import NO_DOUBTS, Doubts
from LungUNetSegLib.segments import Segment
from LungUNetSegLib.volume import Volume


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmentation:
    """The lungs of a scan.

    Attributes:
        labels: uint8 on the scan's own grid; 1 right and 2 left lung, or 1 both.
        segments: What the labels mean.
        findings: Remarks on the scan and on the result.
        measures: Volume, density and regions of the lungs.
        acquisition: How the scan was made, and which density numbers that forbids; see `measures.acquisition.judge`.
        quality: Numbers behind the findings; see `quality.assess`.
        seconds: Wall time by stage; "load" is the time for opening the engine, once for all scans.
        engine: Description of the engine, device and precision that were used.
        device: "cpu", "cuda" or "mps".
        doubts: The doubt about each slice.
    """

    labels: Volume
    segments: tuple[Segment, ...]
    findings: tuple[Finding, ...]
    measures: LungMeasures
    quality: dict[str, Any]
    seconds: dict[str, float]
    engine: str
    device: str
    acquisition: dict[str, Any] = field(default_factory=dict)
    doubts: Doubts = NO_DOUBTS

    @property
    def volumes_ml(self) -> dict[str, float]:
        """Volumes by "right", "left" and "total"; only "total" if both are one label."""
        return self.measures.volumes_ml

    @property
    def mean_hu(self) -> dict[str, float]:
        """Mean density by the same names, of those with a voxel."""
        return self.measures.mean_hu

    @property
    def density(self) -> dict[str, Density | None]:
        """Density numbers by the same names; None without a voxel."""
        return self.measures.density

    def _repr_html_(self) -> str:
        """Show a table of the lungs and the findings in a notebook."""
        rows = "".join(
            f"<tr><td>{name}</td><td>{ml:.0f} ml</td><td>{self._hu(name)}</td></tr>"
            for name, ml in self.volumes_ml.items()
        )
        notes = "".join(f"<li>{html.escape(finding.message)}</li>" for finding in self.findings)
        head = "<tr><th>lung</th><th>volume</th><th>mean density</th></tr>"
        return f"<table>{head}{rows}</table><ul>{notes}</ul><p>{html.escape(self.engine)}</p>"

    def _hu(self, name: str) -> str:
        return f"{self.mean_hu[name]:.0f} HU" if name in self.mean_hu else ""
