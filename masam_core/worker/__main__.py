"""``python -m masam_core.worker``: see :mod:`masam_core.worker.protocol`."""

from masam_core.threads import share_processor

if __name__ == "__main__":
    share_processor()
    from masam_core.worker.server import serve  # loads PyTorch

    serve()
