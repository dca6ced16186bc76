"""The part of LungUNetSeg that knows MRML: between Slicer's scene and the library."""
