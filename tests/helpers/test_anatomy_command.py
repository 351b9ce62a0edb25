"""Models out of files, and `python -m helpers.anatomy`: what runs, what is refused, what is written."""

import csv
import io
import os
import sys
from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn

from helpers.anatomy import LayerRow, anatomy, load_model
from helpers.anatomy.__main__ import main
from helpers.anatomy.table import to_csv, to_page, to_text


def test_models_load_from_files(tmp_path):
    (tmp_path / "nets.py").write_text(
        "from torch import nn\nmade = nn.Conv2d(1, 2, 3)\n"
        "def make():\n    return nn.Sequential(made, nn.ReLU())\nnumber = 3\n"
    )
    assert type(load_model(f"{tmp_path}/nets.py:made", trust=True)) is nn.Conv2d
    assert len(load_model(f"{tmp_path}/nets.py:make", trust=True)) == 2
    torch.save(nn.Conv2d(1, 2, 3), tmp_path / "net.pt")
    assert load_model(f"{tmp_path}/net.pt", trust=True).out_channels == 2
    torch.save(nn.Conv2d(1, 2, 3).state_dict(), tmp_path / "weights.pth")
    for source, message in {
        f"{tmp_path}/nets.py:other": "must name something that .*nets.py defines, got 'other'",
        f"{tmp_path}/nets.py:number": "must hold a torch.nn.Module, got int out of .*nets.py:number",
        f"{tmp_path}/none.py:net": "must name a file that exists, got .*none.py",
        f"{tmp_path}/weights.pth": "got OrderedDict out of .*: weights alone do not tell the architecture",
        "torchvision:resnet19": "must be one that .* names, got 'resnet19': did you mean resnet18",
        "resnet18": 'must be "torchvision:NAME", "FILE.py:NAME", .* or "FILE.keras", got \'resnet18\'',
    }.items():
        with pytest.raises(ValueError, match=message):
            load_model(source, trust=True)
    with pytest.raises(TypeError, match="source must be a string, got 18"):
        load_model(18)


def test_models_of_torchvision_load_without_numbers(monkeypatch):
    monkeypatch.setattr(
        torch.hub, "load_state_dict_from_url", lambda *args, **kwargs: pytest.fail("a download")
    )
    for name in ("googlenet", "regnet_y_400mf", "convnext_tiny", "fcn_resnet50"):
        model = load_model(f"torchvision:{name}")
        assert all(tensor.is_meta for tensor in model.state_dict().values())


def test_the_command_prints_the_table(capsys):
    assert main(["torchvision:resnet18", "--input", "224"]) == 0
    head, first, *_, total = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["name", "type", "output", "shape"]
    assert first.split()[:6] == ["conv1", "Conv2d", "1x64x112x112", "7", "2", "3"]
    assert total == "68 layers, 11,689,512 parameters, 1,814,073,344 MACs, 19.7 MiB of activations"


def test_the_command_writes_csv_and_html(capsys, tmp_path):
    assert main(["torchvision:squeezenet1_1", "--input", "64x96", "--csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert (len(rows), rows[0]["output_shape"]) == (66, "(1, 64, 31, 47)")
    page = tmp_path / "page.html"
    assert main(["torchvision:squeezenet1_1", "--input", "3x64x64", "--html", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert text.count("<tr") == 67
    assert (
        text.count('<th scope="col">') == len(fields(LayerRow)) - 1
    )  # "?" in the cells says what is unknown
    assert capsys.readouterr().out == ""


def test_the_command_says_what_failed_after_what_ran(capsys):
    assert main(["torchvision:vgg11", "--input", "20"]) == 1
    streams = capsys.readouterr()
    assert "features.19" in streams.out
    assert streams.err.startswith(
        "error: input_size must be large enough for the model, got 20: at layer 'features.20'"
    )
    assert main(["torchvision:nothing"]) == 1
    assert "got 'nothing': did you mean" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["torchvision:resnet18", "--input", "big"])


# --- no file runs code unasked


class Evil:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_no_file_runs_code_unless_it_is_trusted(tmp_path, capsys):
    marker = tmp_path / "ran"
    torch.save(Evil(marker), tmp_path / "evil.pt")
    torch.save(nn.Conv2d(3, 4, 3), tmp_path / "net.pt")
    (tmp_path / "nets.py").write_text(f"import os; os.mkdir({str(marker)!r})")
    for source in ("evil.pt", "net.pt", "nets.py:net"):
        with pytest.raises(ValueError, match=r"must be a file that runs no code, got .*pass trust=True"):
            load_model(f"{tmp_path}/{source}")
        assert main([f"{tmp_path}/{source}"]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: source must be a file that runs no code")
        assert error.endswith("on the command line --trust\n")
        assert error.count("\n") == 1
    assert not marker.exists()
    assert main([f"{tmp_path}/net.pt", "--trust", "--input", "16"]) == 0
    with pytest.raises(TypeError, match="trust must be True or False, got 1"):
        load_model("net.pt", trust=1)


# --- every fault is one line

BROKEN = {
    "raises": "1 / 0",
    "syntax": "def",
    "nul bytes": "\0",
    "missing import": "import nowhere_to_be_found",
    "leaves": "import sys; sys.exit(0)",
    "needs arguments": "from torch import nn\nNet = nn.Conv2d",
    "constructor raises": "def Net(): raise RuntimeError('two\\nlines')",
    "constructor leaves": "import sys\ndef Net(): sys.exit(0)",
    "forward leaves": "import sys\nfrom torch import nn\nclass Net(nn.Module):\n"
    "    def forward(self, x): sys.exit(0)",
    "too deep": "from torch import nn\ndef Net():\n    net = nn.Conv2d(3, 4, 3)\n"
    "    for _ in range(1500): net = nn.Sequential(net)\n    return net",
}


def error_of(capsys, *arguments):
    """The one line that a command complains in."""
    assert main([*map(str, arguments)]) == 1
    streams = capsys.readouterr()
    assert streams.err.startswith("error: ")
    assert streams.err.count("\n") == 1
    assert "Traceback" not in streams.err
    return streams.err


@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_a_file_that_fails_is_one_line(code, tmp_path, capsys):
    (tmp_path / "nets.py").write_text(code)
    message = error_of(capsys, f"{tmp_path}/nets.py:Net", "--trust")
    assert "nets.py" in message or "layer 'Net'" in message


def test_a_damaged_file_is_one_line(tmp_path, capsys):
    torch.save(nn.Conv2d(3, 4, 3), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    damaged = {
        "cut": whole[:500],
        "empty": b"",
        "foreign": b"hello world",
        "zip": b"PK\3\4",
        "zeros": bytes(99),
    }
    for name, content in damaged.items():
        (tmp_path / f"{name}.pt").write_bytes(content)
        for trust in ([], ["--trust"]):
            assert f"{name}.pt" in error_of(capsys, tmp_path / f"{name}.pt", *trust)
    (tmp_path / "folder.pt").mkdir()
    assert "which is no regular file" in error_of(capsys, tmp_path / "folder.pt")
    assert "which does not exist" in error_of(capsys, tmp_path / "none.pt")


def test_what_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path, capsys):
    net = ["torchvision:squeezenet1_1", "--input", "64"]
    for option in ("--html", "--csv"):
        for target in (tmp_path / "nowhere" / "x", tmp_path, "", "/dev/full"):
            message = error_of(capsys, *net, option, target)
            assert message.startswith(
                f"error: {option} must name a file that can be written, got {str(target)!r}"
            )
    assert "must go to different files" in error_of(capsys, *net, "--html", "--csv")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_there_is_replaced_whole_or_not_at_all(tmp_path, capsys, monkeypatch):
    table = tmp_path / "table.csv"
    table.write_text("before")
    assert (
        main(["torchvision:squeezenet1_1", "--input", "64", "--csv", str(table), "--html", os.devnull]) == 0
    )
    assert table.read_text().startswith("name,")
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda self, target: (_ for _ in ()).throw(OSError(28, "full"))
    )
    before = table.read_text()
    assert "full" in error_of(capsys, "torchvision:squeezenet1_1", "--input", "64", "--csv", table)
    assert table.read_text() == before
    assert list(tmp_path.iterdir()) == [table]


def test_a_reader_that_has_seen_enough_is_no_fault(monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["torchvision:squeezenet1_1", "--input", "64"]) == 0
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


def test_a_full_disk_behind_the_output_is_one_line(monkeypatch, capsys):
    with Path("/dev/full").open("w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["torchvision:squeezenet1_1", "--input", "64"]) == 1
        monkeypatch.undo()
    assert capsys.readouterr().err.startswith("error: standard output must take the answer, got ")


def test_what_the_file_prints_does_not_spoil_the_table(tmp_path, capfd):
    (tmp_path / "nets.py").write_text(
        "import os, sys\nfrom torch import nn\nprint('loading')\nos.system('echo outside')\n"
        "class Net(nn.Conv2d):\n    def forward(self, x):\n        print('forward')\n"
        "        return super().forward(x)\ndef make(): return Net(3, 4, 3)\n"
    )
    assert main([f"{tmp_path}/nets.py:make", "--trust", "--input", "16", "--csv"]) == 0
    streams = capfd.readouterr()
    assert [row["name"] for row in csv.DictReader(streams.out.splitlines())] == ["Net"]
    assert all(word in streams.err for word in ("loading", "outside", "forward"))


def test_names_of_layers_reach_no_terminal_and_no_spreadsheet_as_commands():
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\x1b[2Jgone", "\tx", "\ud800", "conv"]
    table = pd.DataFrame(
        {"name": names, "parameters": 0, "macs": 0, "activation_bytes": 0, "unknown": [()] * len(names)}
    )
    for text in (to_text(table), to_page(table, names[4]), to_csv(table)):
        assert "\x1b" not in text
        assert "\\x1b[2Jgone" in text
        text.encode()
    cells = [row["name"] for row in csv.DictReader(io.StringIO(to_csv(table)))]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert cells[-1] == "conv"


# --- models that torch saved with their code

COLUMNS = ["output_shape", "kernel_size", "stride", "padding", "receptive_field", "jump", "start", "macs"]


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, dilation=2), nn.MaxPool2d(2), nn.Flatten()
    ).eval()


def windows_of(table):
    return table[table.kernel_size.notna()][COLUMNS].reset_index(drop=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit")
@pytest.mark.parametrize("make", ["script", "trace", "export"])
def test_a_saved_model_has_the_table_of_the_model(make, tmp_path, capsys):
    model, image = network(), torch.zeros(1, 3, 32, 32)
    path = tmp_path / ("net.pt2" if make == "export" else "net.pt")
    if make == "export":
        torch.export.save(torch.export.export(model, (image,)), path)
        with pytest.raises(ValueError, match="must be a file that runs no code"):
            load_model(str(path))
        loaded = load_model(str(path), trust=True)
    else:
        saved = torch.jit.script(model) if make == "script" else torch.jit.trace(model, image)
        torch.jit.save(saved, path)
        loaded = load_model(str(path))
        assert main([str(path), "--input", "32"]) == 0
    expected, found = (windows_of(anatomy(each, (1, 3, 32, 32))) for each in (model, loaded))
    assert found.equals(expected)
    assert anatomy(loaded, (1, 3, 32, 32)).parameters.sum() == sum(p.numel() for p in model.parameters())


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_a_script_that_touches_files_is_not_loaded_unless_trusted(tmp_path):
    class Reading(nn.Module):
        def forward(self, x):
            return x + torch.from_file("/etc/hostname", False, 1)

    torch.jit.save(torch.jit.script(Reading()), tmp_path / "net.pt")
    with pytest.raises(
        ValueError, match="TorchScript whose code runs when it is loaded, or that touches files"
    ):
        load_model(str(tmp_path / "net.pt"))
