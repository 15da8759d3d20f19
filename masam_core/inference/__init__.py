"""Box prompt to lesion: windows, embeddings, probabilities, threshold."""
