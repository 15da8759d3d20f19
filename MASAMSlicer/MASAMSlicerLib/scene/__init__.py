"""Between MRML and plain arrays and boxes. Main thread only; in Slicer and on slicer-core alike."""
