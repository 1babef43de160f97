"""What verbs print of machines and plans, for people and for programs."""
