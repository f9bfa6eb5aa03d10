"""The engine: turns dirty onboardings into equal ones. `core` is pure, `engine` is the main path."""
