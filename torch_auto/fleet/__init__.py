"""Many machines: who gets what, and the fewest torch backends for all of them."""
