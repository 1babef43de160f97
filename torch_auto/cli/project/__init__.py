"""The user's project, and the environment that it has: what their files say."""
