"""The night shift: series with a measurement come in, segmentations and reports go back."""
