"""Kinds of injections: a module each, and a line for it in the registry."""
