"""The other door: hatchling's. Checkouts, editable installs and other people's projects come in here."""
