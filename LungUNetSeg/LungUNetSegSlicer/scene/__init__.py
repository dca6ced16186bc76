"""Between MRML nodes and the library: volumes, segmentations, surfaces, sample data."""
