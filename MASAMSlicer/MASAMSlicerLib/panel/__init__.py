"""The panel: Qt only. What it does to the scene, it does through ``scene`` and ``session``."""
