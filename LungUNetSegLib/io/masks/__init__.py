"""Reads and writes label maps and segmentations, and recognises lungs by names and codes."""
