"""Backbones: how each ViT embeds a slice, and where its published weights come from.

A new one is a module here with a subclass of :class:`~masam_core.model.image_encoder.ImageEncoder`,
and a line in :mod:`~masam_core.model.backbones`.
"""
