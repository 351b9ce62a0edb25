"""The way in from the command line: `python -m study --help`."""

import sys

if __name__ == "__main__":
    # Here, because a worker process imports this file too, and has no use for the command line.
    try:
        from study.experiments.command import main
    except KeyboardInterrupt:  # importing torch takes seconds
        sys.exit(130)
    sys.exit(main())
