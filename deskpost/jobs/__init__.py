"""Acts on many messages, done in the background: `ask` begins one, `run` takes its next step."""
