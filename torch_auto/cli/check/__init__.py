"""``torch-auto check``: everything that is looked at, and what is found."""
