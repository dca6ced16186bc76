"""The part of LungUNetSeg that uses MRML and connects Slicer's scene with the library."""
