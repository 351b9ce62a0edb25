"""The engine that trains in the page: held to torch, number by number, and to itself, digit by digit."""

import json
import math

import numpy as np
import pytest
from explorer_page import ROOT, serve, write_assets

GOLDEN = json.loads((ROOT / "tests" / "golden" / "engine.json").read_text(encoding="utf-8"))
# Float32 holds seven digits; the sums of these small networks lose one of them.
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
