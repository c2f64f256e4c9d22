"""The `lookalike` command: one function a verb, heavy imports inside the verb."""
