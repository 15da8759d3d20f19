"""Weight files, one format a module: how each is recognised, and what it holds under our names.

A new one is a module here with a subclass of
:class:`~masam_core.model.formats.format.CheckpointFormat`, and a line in
:mod:`~masam_core.model.formats.registry`.
"""
