"""What is built: through both doors, from what is published and from a checkout; and what a build withstands."""
