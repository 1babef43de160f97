"""What a decision is written as: requirements of torch, of the extras, and of dependency groups."""
