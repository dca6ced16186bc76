"""Slicer's core from PyPI, with no application: the scene, off-screen views, pictures, the demo."""

from LungUNetSegSlicer.server.core import start

__all__ = ["start"]
