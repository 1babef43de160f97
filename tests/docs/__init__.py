"""What the README and the docs promise."""
