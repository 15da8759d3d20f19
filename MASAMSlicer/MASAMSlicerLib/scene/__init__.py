"""MRML to plain arrays and boxes, and back. Main thread only; in Slicer and on slicer-core."""
