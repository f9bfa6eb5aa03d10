"""The command line: thin shells over the engine. Exit codes and outputs are documented in docs/commands.md."""

from sync.cli.app import main

__all__ = ["main"]
