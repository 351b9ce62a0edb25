"""`python -m helpers.arithmetic`: each question, as a table and as JSON, and every fault in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.arithmetic import Layer, fitting_sizes, parse_stack, solve, trace
from helpers.arithmetic.__main__ import main

STACK = "conv7s2p3 pool3s2p1 conv3p1*2 up4s2p1"


def answer(capsys, *arguments):
    """What the command prints as JSON."""
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error_of(capsys, *arguments):
    """The one line that the command complains in."""
    assert main([*map(str, arguments)]) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert streams.err.count("\n") == 1
    return streams.err


def test_forward(capsys):
    rows = answer(capsys, "forward", 224, STACK)["rows"]
    found = trace(224, parse_stack(STACK))
    assert [(row["name"], row["size"], row["start"]) for row in rows] == [
        (row.name, row.size, row.start) for row in found
    ]
    assert main(["forward", "7", "pool2"]) == 0
    head, row, words = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "size", "jump", "receptive_field", "start"]
    assert row.split() == ["pool2", "3", "2", "2", "0"]
    assert words == "1 of 7 pixels reach no unit of the last map"
    assert answer(capsys, "forward", 7, "up2s2")["rows"][0]["jump"] == "1/2"


def test_backward(capsys):
    rows = answer(capsys, "backward", 28, 14, "--kernel-size", "1-7", "--stride", 2)["rows"]
    fit = solve(28, 14, kernel_size=range(1, 8), stride=2).fit
    assert [row["kernel_size"] for row in rows] == [each.layer.kernel_size for each in fit]
    found = answer(capsys, "backward", 28, 28, "--kernel-size", 4, "--stride", 1)
    assert found["words"] == "none without uneven padding; with it, 1 setting"
    assert found["rows"][0]["padding"] == [1, 2]
    found = answer(capsys, "backward", 28, 14, "--kernel-size", 2, "--stride", 3)
    assert found["words"].startswith("none; the nearest, ")
    assert {row["output"] for row in found["rows"]} == {13}
    wanted = ("backward", 14, 28, "--kind", "transposed", "--kernel-size", 3, "--stride", 2, "--padding", 1)
    assert [row["output_padding"] for row in answer(capsys, *wanted)["rows"]] == [1]
    few = answer(capsys, "backward", 28, 14, "--most", 2)
    assert len(few["rows"]) == 2
    assert few["words"].endswith("of which the first 2 are shown: --most shows more")
    assert answer(capsys, "backward", 1, 1, "--kernel-size", 9, "--padding", 0) == {
        "rows": [],
        "words": "no setting within the bounds leaves anything",
    }


def test_stack(capsys):
    rows = answer(capsys, "stack", "conv3 pool2 conv3", "--sizes", "1-20", "--channels", 8)["rows"]
    works = fitting_sizes(parse_stack("conv3 pool2 conv3"), at_least=1, at_most=20)
    assert rows[1]["sizes"] == list(works)
    assert rows[0]["sizes"] == 8
    assert rows[3] == {"question": "dense layer at 8 x 8", "sizes": 8}
    assert main(["stack", "pool2*2", "resize4", "--sizes", "1-17", "--skip", "0-3"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "smallest: 4",
        "works: 4, 8, 12, 16",
        "loses no pixel: 4, 8, 12, 16",
    ]
    assert answer(capsys, "stack", "conv9", "--sizes", 5)["words"] == "no size of the range works"


def test_field_code_and_port(capsys):
    assert answer(capsys, "field", 31, "--depth", 5)["rows"][0]["kernel_size"] == 7
    assert answer(capsys, "field", 31, "--repeat", "conv3 pool2")["rows"][0]["repeats"] == 4
    assert main(["code", "conv3s2psame", "--size", "28", "--framework", "pytorch"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "y = layer(F.pad(x, (0, 1, 0, 1)))"
    assert main(["code", "conv3s2d2", "--size", "28"]) == 0
    text = capsys.readouterr().out
    assert text.count("\n# ") == 5
    assert "# conv3s2d2 in keras: layer must have dilation 1" in text
    ported = answer(capsys, "port", 28, "conv3s2psame", "conv3s2p1")
    assert ported["words"] == "the same shape, shifted by 1 pixel: pad (0, 1)"


def test_a_stack_says_all_settings():
    assert parse_stack("conv3s2p0,1d2 pool2ceil\n up4o1s2*2 conv3s2psame_lower resize2") == [
        Layer(3, 2, (0, 1), 2, name="conv3s2p0,1d2"),
        Layer(2, kind="pooling", ceil_mode=True, name="pool2ceil"),
        *[Layer(4, 2, kind="transposed", output_padding=1, name="up4o1s2")] * 2,
        Layer(3, 2, "same", convention="onnx-lower", name="conv3s2psame_lower"),
        Layer(2, kind="resize", name="resize2"),
    ]


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("conv3 pol2", 7, "a layer starts with"),
        ("conv3 pool2q1", 12, "a setting is such as"),
        ("conv3s2s3", 8, "stride is there twice"),
        ("conv", 1, "a layer starts with"),
        ("conv0", 1, "kernel_size must be at least 1, got 0"),
        ("conv3*0", 1, "a layer is there at least once"),
        ("conv3 pool2*999999999", 7, "there may be at most 1,000 layers"),
        ("up3o2", 1, "output_padding must be below 1"),
        ("conv3p1,", 8, "a setting is such as"),
        ("conv\u0663", 1, "a layer starts with"),
    ],
)
def test_a_text_that_does_not_parse_says_where(text, place, rule, capsys):
    message = error_of(capsys, "forward", 28, text)
    assert f"at character {place}: {rule}" in message


@settings(max_examples=200)
@given(st.text("convpoluresizdamtf0123456789,* ()\x1b\n", max_size=24))
def test_any_text_is_a_stack_or_one_sentence(text):
    try:
        said = [layer.kind for layer in parse_stack(text)]
    except ValueError as error:
        said = str(error)
    assert said
    assert isinstance(said, list) or (said.startswith("stack must ") and said.isprintable())


def test_other_faults_are_one_line(capsys):
    assert "stack must hold a layer such as conv3s2p1, got ' '" in error_of(capsys, "forward", 28, " ")
    assert "shrinks the map below one pixel" in error_of(capsys, "forward", 2, "conv3")
    assert "100,000 settings" in error_of(capsys, "backward", 28, 14, "--kernel-size", "1-99999999999")
    assert "1,000,000 steps" in error_of(capsys, "stack", "conv3", "--sizes", "1-99999999999")
    assert "stack must hold two layers" in error_of(capsys, "port", 28, "conv3")
    assert "size must be given" in error_of(capsys, "code", "conv3s2psame", "--framework", "onnx")
    assert "must be at most 1, the number of layers" in error_of(capsys, "stack", "conv3", "--skip", "0-9")
    for wrong in (["backward", "28", "x"], ["stack", "conv3", "--skip", "1"], ["nothing"], []):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 2
        assert "Traceback" not in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_fault(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["backward", "28", "14"]) == 0
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


def test_a_full_disk_behind_the_output_is_one_line(monkeypatch, capsys):
    with Path("/dev/full").open("w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["backward", "28", "14"]) == 1
        monkeypatch.undo()
    assert capsys.readouterr().err.startswith("error: standard output must take the answer, got ")


def test_the_command_starts_without_torch():
    code = (
        "import runpy, sys; sys.argv = ['x', 'backward', '28', '14'];\n"
        "try: runpy.run_module('helpers.arithmetic', run_name='__main__')\n"
        "except SystemExit as stopped: assert not stopped.code\n"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
