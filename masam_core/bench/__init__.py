"""Benchmarks that anyone can run: `masam bench`."""
