"""SAM's networks (Kirillov et al. 2023), typed, with the parameter names of its own files."""
