"""What keeps a process of a sweep small and quick: how it keeps memory, and its optimizer."""

import math
import platform
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.training import Examples, fit
from study.experiments import memory, runs
from study.experiments.catalog import MNIST
from study.experiments.memory import Adam, hand_back_freed_memory, keep_freed_memory, with_large_pages
from study.experiments.runs import Job, run

CLASSES = 3


def network(dropout=0.0):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(144, CLASSES)
    )


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


RUN_AND_LIST = """
import sys
from dataclasses import replace
from study.experiments.catalog import MNIST
from study.experiments.runs import Job, run
assert not run(Job(experiment=replace(MNIST, epochs=1), variant="s2-valid", seed=0, drawn=40)).failed
print(*sys.modules)
"""


def test_a_run_imports_nothing_large_that_it_has_no_use_for():
    """Torch's compiler alone, which torchvision and torch's own optimizers import, takes 0.2 GB a worker."""
    command = [sys.executable, "-c", RUN_AND_LIST]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in modules
    assert not {"torch._dynamo", "sympy", "torchvision", "pandas", "scipy"} & set(modules)


def test_adam_is_torchs_to_the_bit_and_leaves_alone_what_has_no_gradient():
    ours, theirs = network(), network()
    ours.unused, theirs.unused = (nn.Parameter(torch.ones(3)) for _ in range(2))
    settings = {"lr": 0.01, "eps": 1e-7}
    optimizers = (
        Adam(ours.parameters(), **settings),
        torch.optim.Adam(theirs.parameters(), **settings, fused=True),
    )
    images = torch.rand(16, 1, 8, 8)
    for _ in range(5):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(model(images), torch.arange(16) % CLASSES).backward()
            optimizer.step()
    assert torch.equal(weights(ours), weights(theirs))
    assert not torch.equal(ours[0].weight, network()[0].weight)
    assert torch.equal(ours.unused, torch.ones(3))


def test_fit_gives_the_same_numbers_with_it_as_by_itself():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (50, 8, 8), generator=generator, dtype=torch.uint8)
    examples = Examples(images, torch.arange(50) % CLASSES)
    ours, plain = network(0.5), network(0.5)
    settings = {"epochs": 2, "batch_size": 16, "seed": 3, "device": "cpu"}
    fit(ours, examples, examples, **settings, optimizer=Adam)
    fit(plain, examples, examples, **settings)
    assert torch.equal(weights(ours), weights(plain))


def resident():
    """Bytes of this process that are in memory; 0 where the system does not say."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else 0


def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def test_memory_freed_in_one_step_is_there_in_the_next():
    keep_freed_memory()

    def step():
        return [torch.ones(2**22) for _ in range(8)]  # 128 MiB in all, more than glibc keeps by itself

    step()
    before = page_faults()
    for _ in range(5):
        step()
    # Fresh memory would fault once a page; on other C libraries than glibc nothing is promised.
    pages = 5 * 8 * 2**24 / resource.getpagesize()
    assert page_faults() - before < (pages / 2 if platform.libc_ver()[0] == "glibc" else math.inf)


def test_what_piled_up_goes_back_to_the_system():
    keep_freed_memory()
    pile = [torch.ones(2**22) for _ in range(8)]  # 128 MiB
    held = torch.ones(1)  # above the pile, so that it is no free end of the heap
    del pile
    before = resident()
    hand_back_freed_memory()
    assert held.item() == 1
    assert before - resident() > (100 * 2**20 if platform.libc_ver()[0] == "glibc" else -math.inf)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel that gives large pages on request."""
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    (tmp_path / "hpage_pmd_size").write_text("2097152\n")
    monkeypatch.setattr(memory, "_KERNEL", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "glibc.malloc.hugetlb=1"),
        ("glibc.malloc.check=1", "glibc.malloc.check=1:glibc.malloc.hugetlb=1"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0"),
    ],
)
def test_large_pages_are_asked_for_besides_what_is_set(kernel, before, after):
    assert with_large_pages(before) == after


@pytest.mark.parametrize(
    ("file", "text"),
    [("enabled", "always madvise [never]"), ("hpage_pmd_size", str(2**29)), ("enabled", None)],
)
def test_large_pages_are_not_asked_for_where_there_are_none_or_too_large_ones(kernel, file, text):
    (kernel / file).unlink() if text is None else (kernel / file).write_text(text)
    assert with_large_pages("") == ""


def test_a_run_keeps_memory_but_not_what_earlier_epochs_and_runs_left(monkeypatch):
    calls = []
    for name in ("hand_back_freed_memory", "keep_freed_memory"):
        monkeypatch.setattr(runs, name, lambda name=name: calls.append(name))
    job = Job(experiment=replace(MNIST, epochs=2), variant="s2-valid", seed=0, device="cpu", drawn=40)
    assert not run(job).failed
    assert calls == ["keep_freed_memory", *["hand_back_freed_memory"] * 3]
