"""Claude's tool loop as an explicit finite state machine."""
