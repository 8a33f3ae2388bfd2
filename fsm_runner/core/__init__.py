"""The core: a pure function of snapshot and event.  It imports the standard library and transitions only."""
