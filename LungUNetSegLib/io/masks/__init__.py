"""Label maps and segmentations in and out, and the names and codes by which a lung is known."""
