"""Lung segmentation of chest CT with a 2D U-Net: models, loss, training, inference and metrics, with no GUI.

Importing this package loads neither torch nor anything of 3D Slicer.
"""

__version__ = "0.1.0"
