"""What `make faults` does: long runs in which processes are killed, and nothing may be lost."""
