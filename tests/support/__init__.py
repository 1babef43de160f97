"""Real components for the tests: package indexes, frontends, interpreters and NVIDIA's library, all on this machine."""
