"""torch-auto: the PyTorch build that fits this machine, as a dependency."""

#: The version of torch-auto-core: the day of its catalog (``as_of`` in releases.json) and, from the second publication
#: of a day on, a number: 2026.12.1, 2026.12.1.1.
__version__ = "2026.11.22"
