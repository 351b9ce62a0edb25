"""The command line: `python -m study --help`."""

import signal
import sys

if __name__ == "__main__":
    try:
        # Imported here, because a worker process imports this file too, and does not need the command line.
        from study.experiments.command import main

        status = main()
    except KeyboardInterrupt:  # importing torch takes seconds
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends the process without a traceback
    sys.exit(status)
