"""The way in from the command line: `python -m study --help`."""

import signal
import sys

if __name__ == "__main__":
    try:
        # Here, because a worker process imports this file too, and has no use for the command line.
        from study.experiments.command import main

        status = main()
    except KeyboardInterrupt:  # importing torch takes seconds
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends what is still ending, without a word
    sys.exit(status)
