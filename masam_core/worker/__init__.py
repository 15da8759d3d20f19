"""The worker: one process that holds model and volumes, asked over its standard input."""
