"""``python -m masam_core.worker``: see :mod:`masam_core.worker.protocol`."""

from masam_core.worker.server import serve

if __name__ == "__main__":
    serve()
