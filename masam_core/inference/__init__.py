"""From a box prompt to a lesion: prediction, clean-up, measurement and the result's type."""
