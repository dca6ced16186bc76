"""Converts between MRML nodes and the library's data: volumes, segmentations, surfaces, sample data."""
