"""Real servers for tests: each starts on free loopback ports in a folder of its own, and ends."""
