"""Segments the lungs in chest CT with a 2D U-Net: models, losses, training, inference and metrics, without a GUI.

Importing this package loads neither torch nor anything of 3D Slicer; each name of `__all__` loads what it needs when it
is first used. docs/api.md lists them.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # like typing.TYPE_CHECKING, without the slow import of typing

if TYPE_CHECKING:
    from LungUNetSegLib.cases.compared import CasePair as CasePair
    from LungUNetSegLib.errors import LungUNetSegError as LungUNetSegError
    from LungUNetSegLib.evaluation.compare import compare as compare
    from LungUNetSegLib.evaluation.evaluate import evaluate_pair as evaluate_pair
    from LungUNetSegLib.io import list_series as list_series
    from LungUNetSegLib.io import read_labels as read_labels
    from LungUNetSegLib.io import read_scan as read_scan
    from LungUNetSegLib.io import write_labels as write_labels
    from LungUNetSegLib.models.model import load_model as load_model
    from LungUNetSegLib.segmentation.segmenter import Segmenter as Segmenter
    from LungUNetSegLib.segmentation.segmenter import segment as segment
    from LungUNetSegLib.volume import Geometry as Geometry
    from LungUNetSegLib.volume import Volume as Volume
    from LungUNetSegLib.volume.nibabel_images import from_nibabel as from_nibabel
    from LungUNetSegLib.volume.nibabel_images import to_nibabel as to_nibabel
    from LungUNetSegLib.volume.resample import from_sitk as from_sitk
    from LungUNetSegLib.volume.resample import resample as resample
    from LungUNetSegLib.volume.resample import to_sitk as to_sitk

__version__ = "0.1.0"

_HOMES = {
    "CasePair": "cases.compared",
    "Geometry": "volume",
    "LungUNetSegError": "errors",
    "Segmenter": "segmentation.segmenter",
    "Volume": "volume",
    "compare": "evaluation.compare",
    "evaluate_pair": "evaluation.evaluate",
    "from_nibabel": "volume.nibabel_images",
    "from_sitk": "volume.resample",
    "list_series": "io",
    "load_model": "models.model",
    "read_labels": "io",
    "read_scan": "io",
    "resample": "volume.resample",
    "segment": "segmentation.segmenter",
    "to_nibabel": "volume.nibabel_images",
    "to_sitk": "volume.resample",
    "write_labels": "io",
}
"""Where each public name is defined."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted({*globals(), *__all__})
