"""Named experiments as data, run over seeds and recorded: `python -m helpers.experiments --help`."""
