"""Images on their grid: reading, geometry, intensities."""
