"""torch-auto: the PyTorch build that fits this machine, as a dependency."""
