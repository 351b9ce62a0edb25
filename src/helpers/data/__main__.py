"""Say for each data set where it was found: `python -m helpers.data`. Exit status 1 if a file is corrupt."""

import sys

from helpers.data import TITLES, CorruptData, describe


def main() -> int:
    """Print one line for each data set; a file that is corrupt, or a folder that is a file, is an error."""
    status = 0
    for name, title in TITLES.items():
        try:
            print(f"{title}: {describe(name)}")
        except (CorruptData, ValueError) as error:
            print(f"{title}: {error}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
