"""Uses Slicer's core from PyPI without the application: scene, off-screen views, pictures, the demo."""

from LungUNetSegSlicer.server.core import start

__all__ = ["start"]
