"""Corrected lesions out of saved scenes and results, as a data set that stays on the machine."""

HELD_OUT = 0.25  # of the patients
