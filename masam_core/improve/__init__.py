"""Improve a model with a user's own cases: gather, train on, compare, and take over if asked."""
