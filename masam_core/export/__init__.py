"""Files for other programs and people: segmentations, tables, pictures."""
