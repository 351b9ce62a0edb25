"""The engine that trains in the page: held to torch, number by number, and to itself, digit by digit."""

import hashlib
import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from explorer_page import ROOT, serve, write_assets

from helpers.models import small_cnn
from helpers.widgets import TrainingExplorer
from helpers.widgets.page_networks import image_order

GOLDEN = json.loads((ROOT / "tests" / "golden" / "engine.json").read_text(encoding="utf-8"))
# Float32 holds seven digits; the sums of these small networks lose one of them.
DIGITS = "690e01e284c782d589139fd06ec985e665c687ad92c4f3039c399c8929a039ac"
CLOSE = {"rtol": 2e-5, "atol": 2e-6}

RUN = """async (row) => {
    const { networkOf, forward, learn, backward, adam, learnedBy } = await import("./engine.mjs");
    const network = networkOf(row.shape, row.settings);
    network.parameters.forEach(({ values }, place) => values.set(row.weights[place]));
    const images = row.images.map((image) => Float32Array.from(image));
    const scores = images.map((image) => [...forward(network, image)]);
    const losses = images.map((image, each) => learn(network, image, row.labels[each])[0]);
    const mean = ({ gradient }) => [...gradient].map((sum) => sum / images.length);
    const gradients = network.parameters.map(mean);
    for (const { gradient } of network.parameters) gradient.fill(0);
    const first = forward(network, images[0]);
    const best = first.indexOf(Math.max(...first));
    network.layers.at(-1).slopes.fill(0)[best] = 1;
    backward(network, images[0], true);
    for (const { gradient } of network.parameters) gradient.fill(0);
    const half = images.length / 2;
    const steps = [...Array(row.losses.length).keys()].map((step) => {
        let sum = 0;
        for (let each = (step % 2) * half; each < (step % 2) * half + half; each++) {
            sum += learn(network, images[each], row.labels[each])[0];
        }
        adam(network, half, { rate: 0.01 });
        return sum / half;
    });
    return {
        scores, loss: losses.reduce((sum, loss) => sum + loss) / images.length, gradients,
        image_gradient: [...network.imageSlopes], losses: steps,
        trained: network.parameters.map(({ values }) => [...values]),
    };
}"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The addresses of a page that can load the engine, from a server and from the disk."""
    folder = tmp_path_factory.mktemp("engine")
    write_assets(folder)
    (folder / "index.html").write_text("<!doctype html><title>Engine</title><link rel=icon href=data:,>")
    with serve(folder) as address:
        yield {"http": address, "file": folder.as_uri() + "/"}


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: row["name"])
def test_forward_gradients_and_ten_steps_are_those_of_torch(open_page, row):
    found = open_page(origin="http").evaluate(RUN, row)
    for name in ("scores", "loss", "losses", "image_gradient"):
        np.testing.assert_allclose(found[name], row[name], **CLOSE, err_msg=name)
    for name in ("gradients", "trained"):
        for place, (ours, theirs) in enumerate(zip(found[name], row[name], strict=True)):
            np.testing.assert_allclose(ours, theirs, **CLOSE, err_msg=f"{name} {place}")


def test_the_table_covers_what_the_engine_claims():
    layers = [layer for row in GOLDEN for layer in row["settings"] if layer["kind"] == "convolution"]
    assert {layer["stride"] for layer in layers} >= {1, 2, 3}
    assert {layer["dilation"] for layer in layers} == {1, 2}
    assert any(len({each for side in layer["pads"] for each in side}) == 3 for layer in layers), "each side"
    assert {layer["filters"] % 4 for layer in layers} == {0, 1, 2, 3}, "filters are summed in fours"


def test_exponential_and_logarithm_are_exact_to_the_last_digits(open_page):
    powers = [step / 7 - 60 for step in range(450)]
    numbers = [1 + step / 17 for step in range(160)]
    found = open_page(origin="http").evaluate(
        """async ([powers, numbers]) => {
            const { exponential, logarithm } = await import("./engine.mjs");
            return [powers.map(exponential), numbers.map(logarithm)];
        }""",
        [powers, numbers],
    )
    np.testing.assert_allclose(found[0], [math.exp(power) for power in powers], rtol=4e-16)
    np.testing.assert_allclose(found[1], [math.log(number) for number in numbers], rtol=1e-15, atol=1e-15)


# A session of one network on images out of a formula: weights and losses after so many batches.
SESSION = """async ([networks, where, steps]) => {
    const { openDesk, workerSource } = await import("./engine.mjs");
    const { planOf } = await import("./training_explorer.mjs");
    const pixel = (image, at) => ((image * 7 + at) * 2654435761 % 4294967296 >>> 30) * 85;
    const images = Uint8Array.from({ length: 96 * 784 }, (_, at) => pixel(Math.floor(at / 784), at % 784));
    const labels = Uint8Array.from({ length: 96 }, (_, each) => each % 10);
    const begin = {
        act: "begin", networks: networks.map((each) => planOf(each, [4, 6]).layers), shape: [1, 28, 28],
        images, labels,
        tests: { images: images.slice(0, 10 * 784), labels: labels.slice(0, 10) },
        seed: 7, batch: 32, rate: 0.005, every: 32,
    };
    return new Promise((resolve) => {
        const losses = [];
        let send;
        const hear = (message) => {
            if (message.kind === "point") losses.push(message.points.map(({ loss }) => loss));
            if (message.kind === "rest") send({ act: "weights" });
            if (message.kind !== "weights") return;
            resolve([losses.slice(1), message.weights.map((all) => [...all])]);
        };
        if (where === "worker") {
            const worker = new Worker(URL.createObjectURL(new Blob([workerSource()])));
            worker.onmessage = ({ data }) => hear(data);
            send = (message) => worker.postMessage(message);
        } else {
            const desk = openDesk((message) => setTimeout(hear, 0, message), () => performance.now());
            const turn = () => desk.advance(3) && setTimeout(turn);
            send = (message) => (desk.take(message), turn());
        }
        send(begin);
        send({ act: "train", until: 32 * steps });
    });
}"""
NETWORKS = [
    {"name": "a", "padding": "same"},
    {"name": "b", "strides": (2, 2), "border": 3, "kernel_size": 4},
    {"name": "c", "strides": (3, 1), "padding": 2, "pool": False},
]


def session_in_torch(explorer, steps):
    """The same in torch: from the same start, the same images in the same order."""
    at = np.arange(784)
    images = np.stack([((image * 7 + at) * 2654435761 % 2**32 >> 30) * 85 for image in range(96)])
    images = torch.tensor(images / 255, dtype=torch.float32).reshape(96, 1, 28, 28)
    labels = torch.arange(96) % 10
    losses, weights = [], []
    for network in explorer.networks:
        model = small_cnn(**{key: value for key, value in network.items() if key != "name"}, channels=(4, 6))
        with torch.no_grad():
            for parameter, start in zip(model.parameters(), explorer.start[network["name"]], strict=True):
                parameter.copy_(torch.tensor(start))
        adam = torch.optim.Adam(model.parameters(), lr=0.005, eps=1e-7)
        epochs = [epoch for epoch, _ in zip(image_order(7, images=96), range(steps), strict=False)]
        order = np.concatenate(epochs)
        own = []
        for batch in torch.tensor(order[: 32 * steps]).split(32):
            adam.zero_grad()
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()
            adam.step()
            own.append(loss.item())
        losses.append(own)
        weights.append(torch.cat([each.detach().flatten() for each in model.parameters()]).numpy())
    return np.array(losses).T, weights


def test_a_run_is_that_of_torch_from_the_same_start(open_page):
    explorer = TrainingExplorer(networks=NETWORKS, channels=(4, 6), seed=7)
    losses, weights = open_page(origin="http").evaluate(SESSION, [explorer.networks, "page", 9])
    ours, theirs = session_in_torch(explorer, 9)
    np.testing.assert_allclose(losses, ours, rtol=1e-3)
    for found, expected in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_one_seed_gives_the_same_digits_wherever_it_runs(open_page):
    explorer = TrainingExplorer(networks=NETWORKS, channels=(4, 6))
    page = open_page(origin="http")
    alone, in_worker = (page.evaluate(SESSION, [explorer.networks, where, 6]) for where in ("page", "worker"))
    assert alone == in_worker
    weights = np.concatenate([np.array(each, np.float32) for each in alone[1]])
    digest = hashlib.sha256(weights.tobytes()).hexdigest()
    assert digest == DIGITS, "another browser, machine or release may not change a bit of it"


def test_the_worker_gets_every_function_of_the_engine():
    source = (ROOT / "src/helpers/widgets/engine.mjs").read_text(encoding="utf-8")
    functions = re.findall(r"^(?:export )?function\*? (\w+)", source, flags=re.MULTILINE)
    parts = re.search(r"const PARTS = \[(.*?)\];", source, flags=re.DOTALL)[1]
    shared = 'import { randomStream } from "./common.mjs";'  # which shares nothing, either
    assert re.findall(r"\w+", parts) == ["randomStream", *functions]
    body = source.partition("const PARTS")[0].replace(shared, "")
    assert not re.findall(r"^(?:export )?(?:const|let|import) .*", body, flags=re.MULTILINE), "nothing else"
    exact = {"imul", "floor", "ceil", "abs", "max", "min", "sqrt"}
    assert set(re.findall(r"Math\.(\w+)", source)) <= exact, "others differ between browsers"
