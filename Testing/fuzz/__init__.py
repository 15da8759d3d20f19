"""Injections: files, frames and requests of others, made wrong on purpose, and what came of them.

A kind (``kinds/``, a file each) makes injections with hypothesis and hands them to the product. The
oracle judges what came back. ``python -m Testing.fuzz --minutes 30`` runs all kinds for long, in
child processes that may hang or fall; the tests beside this file run each of them for a moment.
"""
