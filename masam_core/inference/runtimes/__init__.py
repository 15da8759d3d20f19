"""What computes the networks: PyTorch, or OpenVINO, which needs no PyTorch."""
