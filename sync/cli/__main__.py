"""Lets `python -m sync.cli` stand in for the console script."""

import sys

from sync.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
