"""Named experiments as data, run over seeds and recorded: `python -m study --help`."""
