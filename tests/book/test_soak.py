"""The soak: what it takes for a finding, and that it says so."""

import random
import subprocess
import sys

import pytest
import soak

SLEEPER = "import signal, subprocess, sys, time\n{}\nprint('ready', flush=True)\ntime.sleep(600)\n"
OBEDIENT = SLEEPER.format("")
DEAF = SLEEPER.format("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
PARENT = SLEEPER.format("subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])")


@pytest.fixture
def started(tmp_path):
    """Starts a script and waits until it says that it is ready."""
    running = []

    def start(script):
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(soak.start(["-c", script], folder))
        while "ready" not in (folder / "log").read_text():
            assert running[-1].poll() is None
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait()


class Chance(random.Random):
    """Chooses what the test says."""

    def __init__(self, *choices):
        super().__init__(0)
        self.choices_left = list(choices)

    def choice(self, options):
        chosen = self.choices_left.pop(0)
        assert chosen in options
        return chosen


@pytest.mark.skipif(sys.platform == "win32", reason="no groups of processes")
def test_what_goes_on_or_leaves_a_process_behind_is_found(started, monkeypatch):
    monkeypatch.setattr(soak, "GRACE", 0.5)
    term, kill = soak.SIGNALS[1], soak.SIGNALS[0]
    assert soak.strike(started(OBEDIENT), Chance(term, "parent")) == "SIGTERM to parent"
    assert soak.strike(started(PARENT), Chance(kill, "group")) == "SIGKILL to group"
    with pytest.raises(soak.Found, match="SIGTERM to parent: went on"):
        soak.strike(started(DEAF), Chance(term, "parent"))
    with pytest.raises(soak.Found, match=r"SIGKILL to parent: left \['.*time.sleep\(600\)'\]"):
        soak.strike(started(PARENT), Chance(kill, "parent"))


def test_a_finding_is_told_with_its_seed_and_ends_with_status_1(monkeypatch, capsys):
    def fails(chance, folder, tally):
        tally.tries += 1
        raise soak.Found("a page is wrong")

    def raises(chance, folder, tally):
        return 1 / 0

    turns = {"good": lambda chance, folder, tally: None, "bad": fails, "ugly": raises}
    monkeypatch.setattr(soak, "CAMPAIGNS", turns)
    monkeypatch.setattr(sys, "argv", ["soak.py", "--minutes", "0", "--seed", "5"])
    assert soak.main() == 1
    said = capsys.readouterr().out
    assert said.count("bad, seed 6: a page is wrong") == 2  # at once, and below the table
    assert said.count("ugly, seed 7: ZeroDivisionError: division by zero") == 2
    monkeypatch.setattr(sys, "argv", ["soak.py", "--minutes", "0", "--only", "good"])
    assert soak.main() == 0


def test_a_failing_test_is_a_finding(tmp_path, monkeypatch):
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_right():\n    pass\n\n\ndef test_wrong():\n    assert False\n")
    monkeypatch.setitem(soak.TESTS, "one", [str(failing)])
    tally = soak.Tally()
    with pytest.raises(soak.Found, match=r"FAILED .*::test_wrong"):
        soak.test_turn("one")(random.Random(0), tmp_path, tally)
    assert tally.tries == 1


def test_every_test_that_it_runs_is_there():
    words = [word for words in soak.TESTS.values() for word in words if word.startswith("tests/")]
    assert all((soak.ROOT / word).is_file() for word in words)
    assert subprocess.run([sys.executable, soak.__file__, "--help"], capture_output=True).returncode == 0
