"""Loading: where the files are looked for, what is verified, what is said when they cannot be had."""

import gzip
import hashlib
import io
import itertools
import os
import pickle
import shutil
import socket
import struct
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import platformdirs
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torchvision.datasets import MNIST, FashionMNIST

from helpers.data import CorruptData, DataUnavailable, describe, files, load, load_or_draw
from helpers.data.__main__ import main
from helpers.data.files import MD5

KINDS = {"mnist": MNIST, "fashion-mnist": FashionMNIST}
PUBLISHED = {name: list(kind.resources) for name, kind in KINDS.items()}  # as torchvision has them
OURS = {name: list(sums.items()) for name, sums in MD5.items()}
FILES = [file for file, _ in MNIST.resources]
TRAIN_IMAGES = FILES[0]
URLOPEN, READ = urllib.request.urlopen, gzip.GzipFile.read


def write_idx(path, array):
    """Write an idx file as the data sets' authors do: magic number, sizes, bytes."""
    header = struct.pack(f">HBB{array.dim()}I", 0, 8, array.dim(), *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.numpy().tobytes(), mtime=0))


def publish(folder, monkeypatch, *, train=6, test=3, seed=0):
    """Make a tiny MNIST and a tiny Fashion-MNIST, and have them taken for the published files."""
    generator = torch.Generator().manual_seed(seed)
    contents = {}
    for kind, file in itertools.product((MNIST, FashionMNIST), FILES):
        count = train if file.startswith("train") else test
        shape, high = ((count, 28, 28), 256) if "images" in file else ((count,), 10)
        content = torch.randint(high, shape, generator=generator, dtype=torch.uint8)
        contents[kind.__name__, file] = content
        write_idx(folder / kind.__name__ / "raw" / file, content)
    for name, kind in KINDS.items():
        raw = folder / kind.__name__ / "raw"
        sums = {file: hashlib.md5((raw / file).read_bytes()).hexdigest() for file in FILES}
        monkeypatch.setitem(MD5, name, sums)
        monkeypatch.setattr(kind, "resources", list(sums.items()))
    return contents


def tree(folder):
    """All that lies in a folder, with the time of its last change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture(autouse=True)
def world(tmp_path, monkeypatch):
    """A machine with an empty cache, no settings, a folder with all files, and a network that is down."""
    source, cache = tmp_path / "source", tmp_path / "cache"
    publish(source, monkeypatch)
    for variable in ("STRIDE_BOOK_DATA", "STRIDE_BOOK_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: cache)
    calls = []

    def refuse(request, timeout):
        calls.append(request.full_url)
        raise URLError("the cable is out")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return SimpleNamespace(source=source, cache=cache, calls=calls, tmp_path=tmp_path)


@pytest.fixture
def network(world, monkeypatch):
    """The same machine with a network: requests are answered from the folder `served`."""
    served = world.tmp_path / "served"
    shutil.copytree(world.source, served)
    network = SimpleNamespace(served=served, timeouts=[], interrupt=False)

    class Response(io.BytesIO):
        def __init__(self, url, content):
            super().__init__(content)
            self.url, self.length = url, len(content)

        def read1(self, size=-1):
            if network.interrupt and "labels" in self.url:
                raise KeyboardInterrupt
            return super().read1(size)

    def answer(request, timeout):
        network.timeouts.append(timeout)
        world.calls.append(request.full_url)
        kind = "FashionMNIST" if "fashion" in request.full_url else "MNIST"
        file = served / kind / "raw" / request.full_url.rsplit("/")[-1]
        return Response(request.full_url, file.read_bytes())

    monkeypatch.setattr("urllib.request.urlopen", answer)
    return network


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_whatever_was_published_is_what_is_loaded(tmp_path_factory, train, test, seed):
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as monkeypatch:
        contents = publish(folder, monkeypatch, train=train, test=test, seed=seed)
        for split, prefix in [("train", "train"), ("test", "t10k")]:
            loaded = load("mnist", split=split, root=folder, download=False)
            assert torch.equal(loaded.images, contents["MNIST", f"{prefix}-images-idx3-ubyte.gz"])
            assert torch.equal(loaded.labels, contents["MNIST", f"{prefix}-labels-idx1-ubyte.gz"].long())


def test_the_published_files_are_those_that_torchvision_knows():
    assert OURS == PUBLISHED


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_tensors_are_torchvisions(world, name, kind, split):
    loaded = load(name, split=split, root=world.source)
    copy = shutil.copytree(world.source, world.tmp_path / "copy")
    reference = kind(copy, train=split == "train", download=True)
    torch.testing.assert_close(loaded.images, reference.data, rtol=0, atol=0)
    torch.testing.assert_close(loaded.labels, reference.targets, rtol=0, atol=0)
    assert (loaded.images.dtype, loaded.labels.dtype) == (torch.uint8, torch.int64)
    assert (loaded.name, loaded.split, loaded.is_stand_in) == (name, split, False)


def test_the_classes_are_named(world):
    assert load("mnist", split="test", root=world.source).classes == tuple("0123456789")
    fashion = load("fashion-mnist", split="test", root=world.source).classes
    assert fashion[0] == "T-shirt/top"
    assert fashion == tuple(FashionMNIST.classes)


def test_root_comes_before_the_variable_and_the_variable_before_the_cache(world, monkeypatch):
    variable = shutil.copytree(world.source, world.tmp_path / "variable")
    shutil.copytree(world.source, world.cache)
    assert str(world.cache) in describe("mnist")
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(variable))
    assert str(variable) in describe("mnist")
    assert str(world.source) in describe("mnist", root=world.source)
    assert not world.calls


def test_a_root_without_the_files_is_passed_over(world, monkeypatch):
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(world.source))
    assert describe("mnist", root=world.tmp_path) == f"real, from $STRIDE_BOOK_DATA, {world.source}"


def test_an_empty_variable_is_no_folder(world, monkeypatch):
    monkeypatch.setenv("STRIDE_BOOK_DATA", "")
    with pytest.raises(DataUnavailable) as caught:
        load("mnist", split="test", download=False)
    assert len(caught.value.tried) == 2  # the cache and the network


def test_a_source_is_only_read(world):
    raw = world.source / "MNIST" / "raw"
    raw.chmod(0o555)  # binds all but root, so compare as well
    before = tree(world.source)
    load("mnist", split="train", root=world.source)
    assert tree(world.source) == before
    assert not world.cache.exists()


def test_a_split_needs_only_its_own_two_files(world):
    for file in FILES[2:]:
        (world.source / "MNIST" / "raw" / file).unlink()
    assert len(load("mnist", split="train", root=world.source)) == 6
    with pytest.raises(
        DataUnavailable, match=r"has no MNIST/raw/t10k-images-idx3-ubyte\.gz and no MNIST/raw/t10k-labels"
    ):
        load("mnist", split="test", root=world.source)


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda content: content[: len(content) // 2], "is cut short"),
        (lambda content: b"<html>not found</html>", "is not a .gz file that can be unpacked"),
        (lambda content: gzip.compress(b"another file"), "holds something else than the published file"),
    ],
    ids=["truncated", "an error page", "another file"],
)
@pytest.mark.parametrize("place", ["root", "variable", "cache"])
def test_a_corrupt_file_is_an_error_that_names_it(world, monkeypatch, spoil, fault, place):
    folder = world.source
    if place == "cache":
        folder = shutil.copytree(world.source, world.cache)
    elif place == "variable":
        monkeypatch.setenv("STRIDE_BOOK_DATA", str(folder))
    file = folder / "MNIST" / "raw" / TRAIN_IMAGES
    sound = hashlib.md5(file.read_bytes()).hexdigest()
    file.write_bytes(spoil(file.read_bytes()))
    before = tree(folder)
    for function in (load, load_or_draw):
        with pytest.raises(CorruptData) as caught:
            function("mnist", split="train", root=folder if place == "root" else None)
        message = str(caught.value)
        spoiled = hashlib.md5(file.read_bytes()).hexdigest()
        assert f"{file} {fault}: expected md5 {sound}, found {spoiled}." in message
        assert "replace it by a fresh copy, or delete it" in message
    assert tree(folder) == before
    assert not world.calls


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_changed_anywhere_is_never_loaded(world, data):
    path = world.source / "MNIST" / "raw" / data.draw(st.sampled_from(FILES))
    sound = path.read_bytes()
    start, end = sorted(data.draw(st.integers(0, len(sound))) for _ in range(2))
    changed = sound[:start] + data.draw(st.binary(max_size=3)) + sound[end:]
    assume(changed != sound)
    split = "train" if path.name.startswith("train") else "test"
    try:
        path.write_bytes(changed)
        with pytest.raises(CorruptData, match=path.name):
            load("mnist", split=split, root=world.source)
        assert path.read_bytes() == changed
    finally:
        path.write_bytes(sound)


def test_a_corrupt_file_is_an_error_even_if_the_other_is_missing(world):
    raw = world.source / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte.gz").unlink()
    (raw / TRAIN_IMAGES).write_bytes(b"")
    with pytest.raises(CorruptData, match=TRAIN_IMAGES):
        load("mnist", split="train", root=world.source)


def test_a_corrupt_file_of_the_other_split_is_no_concern(world):
    (world.source / "MNIST" / "raw" / TRAIN_IMAGES).write_bytes(b"")
    assert len(load("mnist", split="test", root=world.source)) == 3


def test_a_root_that_is_a_file_is_refused(world, monkeypatch):
    file = world.source / "MNIST" / "raw" / TRAIN_IMAGES
    with pytest.raises(
        ValueError, match=r"^root must be a folder that holds MNIST/raw, got the file '.*train-images"
    ):
        load("mnist", split="train", root=file)
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(file))
    with pytest.raises(
        ValueError, match=r"^\$STRIDE_BOOK_DATA must be a folder .*, got the file '.*train-images"
    ):
        load_or_draw("mnist", split="train")


def test_a_root_that_is_no_path_is_refused():
    with pytest.raises(TypeError, match=r"root must be the path of a folder, got 3 of type int"):
        load("mnist", split="train", root=3)


@pytest.mark.parametrize("function", [load, load_or_draw])
def test_an_unknown_name_or_split_is_refused_and_the_known_ones_are_listed(function):
    with pytest.raises(ValueError, match="name must be one of 'mnist', 'fashion-mnist', got 'cifar10'"):
        function("cifar10", split="train")
    with pytest.raises(ValueError, match="split must be one of 'train', 'test', got 'valid'"):
        function("mnist", split="valid")


def test_no_data_and_no_network_names_every_place_and_what_to_do(world, monkeypatch):
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(world.tmp_path / "gone"))
    with pytest.raises(DataUnavailable) as caught:
        load("mnist", split="test", root=world.tmp_path)
    message = str(caught.value)
    assert f"root, {world.tmp_path}: has no MNIST/raw/t10k-images-idx3-ubyte.gz" in message
    assert f"$STRIDE_BOOK_DATA, {world.tmp_path / 'gone'}: there is no such folder" in message
    assert f"the cache, {world.cache}: there is no such folder" in message
    assert "download: failed" in message
    assert "the cable is out" in message
    for remedy in ("set $STRIDE_BOOK_DATA", "pass root=", "MNIST/raw/*.gz", "connect", "load_or_draw"):
        assert remedy in message
    assert tree(world.cache) == {}


def test_the_stand_in_takes_the_place_of_data_that_cannot_be_had():
    images = load_or_draw("fashion-mnist", split="test")
    assert images.is_stand_in
    assert len(images) == 10_000


def test_real_data_is_preferred_to_the_stand_in(world):
    assert not load_or_draw("mnist", split="test", root=world.source).is_stand_in


@pytest.mark.parametrize(
    ("setting", "argument", "reason"),
    [
        ("1", True, r"\$STRIDE_BOOK_OFFLINE is set"),
        ("0", False, "download=False"),
        ("", False, "download=False"),
    ],
)
def test_no_download_is_attempted_where_it_is_forbidden(world, monkeypatch, setting, argument, reason):
    monkeypatch.setenv("STRIDE_BOOK_OFFLINE", setting)
    with pytest.raises(DataUnavailable, match=f"download: not tried, because {reason}"):
        load("mnist", split="test", download=argument)
    assert not world.calls
    assert not world.cache.exists()


@pytest.mark.parametrize("setting", ["", "0"])
def test_an_empty_or_zero_offline_setting_forbids_nothing(world, network, monkeypatch, setting):
    monkeypatch.setenv("STRIDE_BOOK_OFFLINE", setting)
    assert len(load("mnist", split="test")) == 3


def test_a_download_is_kept_as_the_four_files_and_nothing_else(world, network, capfd):
    first = load("mnist", split="train")
    kept = [path for path in tree(world.cache) if path.is_file()]
    assert sorted(kept) == sorted(world.cache / "MNIST" / "raw" / file for file in FILES)
    asked = len(world.calls)
    second = load("mnist", split="train")
    assert len(world.calls) == asked
    assert torch.equal(first.images, second.images)
    assert capfd.readouterr() == ("", "")


def test_the_network_gets_seconds_to_answer(network):
    load("mnist", split="test")
    assert set(network.timeouts) == {files.TIMEOUT}


@pytest.fixture
def mirror(monkeypatch):
    """Makes a mirror on this machine that answers every request by what the function sends."""
    monkeypatch.setattr("urllib.request.urlopen", URLOPEN)
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

        def serve(send):
            with suppress(OSError):  # the reader has had enough
                connection, _ = server.accept()
                with connection:
                    send(connection)

        def make(send):
            monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.getsockname()[1]}/"])
            pool.submit(serve, send)

        yield make


def test_a_network_that_never_answers_is_given_up(world, mirror, monkeypatch):
    monkeypatch.setattr(files, "TIMEOUT", 0.1)
    mirror(lambda connection: connection.recv(1 << 16) and connection.recv(1 << 16))
    with pytest.raises(DataUnavailable, match=r"download: failed: .*timed out"):
        load("mnist", split="test")
    assert tree(world.cache) == {}


def test_a_download_that_trickles_or_never_ends_is_given_up(world, mirror, monkeypatch):
    def endless(connection, *, block, pause):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while True:
            connection.sendall(block)
            time.sleep(pause)

    monkeypatch.setattr(files, "PATIENCE", 0.3)
    mirror(partial(endless, block=b"1", pause=0.05))
    with pytest.raises(DataUnavailable, match=r"only \d bytes of it came in the 0 s for all files"):
        load("mnist", split="test")
    monkeypatch.setattr(files, "PATIENCE", 60.0)
    monkeypatch.setattr(files, "_LARGEST", 1 << 20)
    mirror(partial(endless, block=bytes(1 << 18), pause=0))
    with pytest.raises(DataUnavailable, match="it goes on after 1,048,576 bytes"):
        load("mnist", split="test")
    assert tree(world.cache) == {}


def test_a_bomb_is_not_unpacked_and_a_huge_file_is_not_read(world, monkeypatch):
    monkeypatch.setattr(files, "_LARGEST", 1 << 20)
    bomb = world.source / "MNIST" / "raw" / TRAIN_IMAGES
    bomb.write_bytes(gzip.compress(bytes(1 << 26)))
    read = []
    monkeypatch.setattr(gzip.GzipFile, "read", lambda self, size: read.append(size) or READ(self, size))
    with pytest.raises(CorruptData, match="holds something else than the published file"):
        load("mnist", split="train", root=world.source)
    assert sum(read) <= 3 << 20
    with bomb.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CorruptData, match="found a file of 1,099,511,627,776 bytes"):
        load("mnist", split="train", root=world.source)


def test_what_is_no_file_is_not_called_missing(world):
    raw = world.source / "MNIST" / "raw"
    (raw / TRAIN_IMAGES).unlink()
    (raw / TRAIN_IMAGES).mkdir()
    with pytest.raises(DataUnavailable, match=f"has no MNIST/raw/{TRAIN_IMAGES}, but something else of that"):
        load("mnist", split="train", root=world.source, download=False)


def test_a_download_with_the_wrong_md5_is_refused_and_leaves_nothing(world, network):
    (network.served / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"a login page")
    with pytest.raises(DataUnavailable, match=r"download: failed: .*t10k-labels.* is not the published file"):
        load("mnist", split="train")
    assert tree(world.cache) == {}


def test_a_download_that_is_interrupted_leaves_nothing(world, network):
    network.interrupt = True
    with pytest.raises(KeyboardInterrupt):
        load("mnist", split="train")
    assert tree(world.cache) == {}
    network.interrupt = False
    assert len(load("mnist", split="train")) == 6


def test_what_a_killed_download_left_is_swept_and_a_running_one_is_not(world, network):
    abandoned, running = world.cache / ".partial-old", world.cache / ".partial-new"
    for folder in (abandoned, running):
        (folder / "MNIST").mkdir(parents=True)
    long_ago = time.time() - 2 * files.ABANDONED
    os.utime(abandoned, (long_ago, long_ago))
    load("mnist", split="test")
    assert not abandoned.exists()
    assert running.exists()


def test_a_cache_that_cannot_be_made_is_one_more_reason(world, network):
    world.cache.write_text("a file where a folder should be")
    with pytest.raises(DataUnavailable, match=r"download: failed: .*cache"):
        load("mnist", split="test")


def test_loads_at_the_same_time_agree(world, network):
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(load, "mnist", split=split) for split in ("train", "test") * 4]
    loaded = [job.result() for job in jobs]
    for one, other in itertools.pairwise(loaded[::2]):
        assert torch.equal(one.images, other.images)
    assert sorted(path.name for path in tree(world.cache) if path.is_file()) == sorted(FILES)


@pytest.mark.parametrize(
    "error",
    [
        DataUnavailable("mnist", "train", ("the cache: empty",)),
        CorruptData(Path("data/file.gz"), "aa", "bb", "is cut short"),
    ],
)
def test_the_errors_survive_the_way_out_of_a_worker_process(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_the_command_says_where_the_data_come_from(world, monkeypatch, capsys):
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(world.source))
    assert main() == 0
    assert capsys.readouterr().out.splitlines() == [
        f"MNIST: real, from $STRIDE_BOOK_DATA, {world.source}",
        f"Fashion-MNIST: real, from $STRIDE_BOOK_DATA, {world.source}",
    ]


def test_the_command_says_why_there_is_only_the_stand_in(capsys):
    assert main() == 0
    for line in capsys.readouterr().out.splitlines():
        assert "stand-in, because the files are not to be had: " in line
        assert "the cable is out" in line


def test_the_command_fails_for_a_corrupt_file_and_still_reports_on_the_other(world, monkeypatch, capsys):
    (world.source / "MNIST" / "raw" / TRAIN_IMAGES).write_bytes(b"")
    monkeypatch.setenv("STRIDE_BOOK_DATA", str(world.source))
    assert main() == 1
    output = capsys.readouterr()
    assert TRAIN_IMAGES in output.err
    assert "Fashion-MNIST: real" in output.out
