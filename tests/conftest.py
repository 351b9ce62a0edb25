"""What holds for all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a test a core; more threads would only wait for each other
