"""The way in from the command line: `python -m helpers.experiments --help`."""

import sys

if __name__ == "__main__":
    # Here, because a worker process imports this file too, and has no use for the command line.
    from helpers.experiments.command import main

    sys.exit(main())
