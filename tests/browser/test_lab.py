"""The explorers in JupyterLab 4 with a live kernel: what the reader moves Python reads, and the reverse."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest
from conftest import HTML

CELLS = [
    "from helpers.widgets import ConvolutionExplorer, Frames\nexplorer = ConvolutionExplorer()\nexplorer",
    "print('stride', explorer.stride, 'output', explorer.output.shape)",
    "explorer.stride = 3",
    "explorer.kernel_size = 9",
    """from types import SimpleNamespace as Some
def draw(word):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text y="20">{word}</text></svg>'
    return Some(alt=f"The word {word}.", wide=Some(svg=svg, width=90, height=30), narrow=None)
frames = Frames.of("word", values=["one", "two", "three"], draw=draw)
frames""",
    "print(frames.index); frames.index = 2",
    "from helpers.widgets import ReceptiveFieldExplorer\nstack = ReceptiveFieldExplorer()\nstack",
    "print(stack.layers[0]['stride'], stack.selected, len(stack.unread))",
    "stack.layers = stack.layers[:3]; stack.selected = 0, 2",
    """from helpers.models import mnist_cnn
from helpers.widgets import FeatureMapExplorer
maps = FeatureMapExplorer(model=mnist_cnn(stride=1, padding="valid"))
maps""",
    "print(maps.stride, maps.filter, maps.output.shape, maps.layer_maps.shape)",
    "maps.padding = 'same'; maps.layer = 'conv1'",
    """from helpers.widgets import TrainingExplorer
far = {"name": "far", "strides": (3, 1), "padding": 1}
trained = TrainingExplorer(networks=[far], channels=(4, 4), epochs=1)
trained""",
    """import numpy as np
pairs = zip(trained.weights["far"], trained.start["far"])
steps = [np.abs(new - old).max() for new, old in pairs]
seen = [each["seen"] for each in trained.history]
print(seen, trained.history[-1]["accuracy"] > 0.2, min(steps) > 0.001)""",
    "trained.seed = 2",
]
NOTEBOOKS = "lab/user-settings/@jupyterlab/notebook-extension"
SETTINGS = {
    "labconfig/page_config.json": '{"disabledExtensions": {"jupyterlab-myst": true}}',
    f"{NOTEBOOKS}/tracker.jupyterlab-settings": '{"windowingMode": "none"}',
}
CHAPTER = HTML / "_sources" / "notebooks" / "10_mnist.ipynb"  # as readers get it
MAPS = 9  # the place of the cell that shows the feature map explorer
TRAINED = 12  # the place of the cell that shows the training explorer
STACK = 6  # the place of the cell that shows the receptive field explorer


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab of the test's own, with two notebooks; gives the address of the first.

    It shows Markdown as it comes, without the extension that knows MyST, and all cells at once.
    """
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "JUPYTER_CONFIG_DIR"
    for name, content in SETTINGS.items():
        (settings / name).parent.mkdir(parents=True)
        (settings / name).write_text(content)
    if CHAPTER.exists():
        shutil.copyfile(CHAPTER, folder / CHAPTER.name)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "explorer.ipynb")
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=", "--expose-app-in-browser"]
    command += ["--LabApp.extension_manager=readonly", f"--notebook-dir={folder}"]
    homes = {name: str(folder / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment = os.environ | homes | {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_for(address + "api", server, folder / "server.log")
        yield address + "lab/tree/explorer.ipynb"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(address, server, log):
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer: {log.read_text()}")


@pytest.fixture(scope="module")
def notebook(lab, chromium):
    """The notebook, opened, its kernel idle, its first cell run."""
    page = opened_in(chromium, lab, lab)
    run_cell(page, 0)
    page.wait_for_selector(".jp-OutputArea .book-explorer [part=outputSize]")
    yield page
    page.context.close()


def opened_in(chromium, lab, address):
    """A notebook in a window of its own, once its kernel is idle."""
    page = chromium.new_context(viewport={"width": 1400, "height": 1600}).new_page()
    page.messages, page.elsewhere = [], []
    page.on("console", lambda message: message.type == "error" and page.messages.append(message.text))
    page.on("pageerror", lambda error: page.messages.append(str(error)))
    page.route(
        lambda url: not url.startswith((lab.split("/lab/")[0], "data:", "blob:")),
        lambda route: refuse(page, route),
    )
    page.goto(address)
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
    # Before the session is ready, Lab would ask which kernel to take.
    page.wait_for_function(
        """() => {
            const { sessionContext } = window.jupyterapp?.shell.currentWidget ?? {};
            return sessionContext?.isReady && sessionContext.session?.kernel?.status === "idle";
        }"""
    )
    return page


def refuse(page, route):
    page.elsewhere.append(route.request.url)
    route.abort()


def run_cell(page, index):
    """Run one cell, and wait until it is done; returns what it printed."""
    cell = page.locator(".jp-CodeCell").nth(index)
    before = cell.locator(".jp-InputPrompt").first.inner_text()
    page.evaluate(
        """(index) => {
            const { commands, shell } = window.jupyterapp;
            const { content } = shell.currentWidget;
            content.activeCellIndex = index;
            content.deselectAll();
            commands.execute("notebook:run-cell");
        }""",
        index,
    )
    page.wait_for_function(
        """([index, before]) => {
            const cell = document.querySelectorAll(".jp-CodeCell")[index];
            const prompt = cell.querySelector(".jp-InputPrompt").innerText;
            return prompt !== before && /\\d/.test(prompt);
        }""",
        arg=[index, before],
    )
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()


def ask(page, index):
    """What a cell prints once Python knows all that was moved before.

    ipywidgets keeps a change back while the kernel is at work on the one before it, so a cell that is run in
    the same moment may overtake it. When the first of two runs is over, nothing is on its way any more.
    """
    run_cell(page, index)
    return run_cell(page, index)


def part(page, name):
    return page.locator(f".book-explorer [part={name}]")


def slider(page, name):
    return page.locator(f".book-explorer input[name={name}]").first


def test_python_reads_what_the_keyboard_moved(notebook):
    slider(notebook, "stride").focus()
    notebook.keyboard.press("ArrowRight")
    assert part(notebook, "outputSize").inner_text() == "Output 3 × 3"
    assert ask(notebook, 1) == "stride 2 output (3, 3)"


def test_python_reads_what_the_mouse_moved(notebook):
    box = slider(notebook, "padding").bounding_box()
    notebook.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + box["height"] / 2)
    padding = int(slider(notebook, "padding").input_value())
    assert padding > 0
    rows = (7 + 2 * padding - 3) // 2 + 1
    assert ask(notebook, 1) == f"stride 2 output ({rows}, {rows})"
    slider(notebook, "padding").focus()
    notebook.keyboard.press("Home")


def test_the_drawing_follows_python(notebook):
    assert run_cell(notebook, 2) == ""
    notebook.wait_for_function(
        "document.querySelector('.book-explorer [part=outputSize]').innerText === 'Output 2 × 2'"
    )
    assert slider(notebook, "stride").input_value() == "3"


def test_an_illegal_assignment_is_an_error_in_its_cell(notebook):
    assert "got 9 with dilation=1, which spans 9: use a smaller kernel" in run_cell(notebook, 3)
    assert slider(notebook, "kernel_size").input_value() == "3"


def test_a_cell_that_runs_again_leaves_one_explorer(notebook):
    run_cell(notebook, 0)
    notebook.wait_for_function(
        "document.querySelector('.book-explorer [part=outputSize]')?.innerText === 'Output 5 × 5'"
    )
    assert notebook.locator(".book-explorer").count() == 1
    slider(notebook, "stride").focus()
    notebook.keyboard.press("ArrowRight")
    assert ask(notebook, 1) == "stride 2 output (3, 3)"


def test_frames_are_live_too(notebook):
    run_cell(notebook, 4)
    image = notebook.locator(".book-explorer img")
    image.wait_for()
    assert image.get_attribute("alt") == "The word one."
    notebook.get_by_label("word").focus()
    notebook.keyboard.press("ArrowRight")
    assert image.get_attribute("alt") == "The word two."
    assert run_cell(notebook, 5) == "1"
    notebook.wait_for_function("document.querySelector('.book-explorer img').alt === 'The word three.'")


def test_a_stack_goes_both_ways(notebook):
    run_cell(notebook, STACK)
    stack = notebook.locator(".jp-CodeCell").nth(STACK)
    stack.locator("[part=words]", has_text="pool2 never reads 343 of 784 pixels").wait_for()
    stack.locator("input[name=stride]").focus()
    notebook.keyboard.press("ArrowLeft")
    stack.locator("[part=units]").focus()
    notebook.keyboard.press("Home")
    assert ask(notebook, STACK + 1) == "1 (3, 0) 0"
    run_cell(notebook, STACK + 2)
    stack.locator("[part=words]", has_text="Unit 2 of conv1 sees pixels 2 to 4").wait_for()
    assert stack.locator("[part=rows] tr").count() == 4
    assert stack.locator("[part=example]").input_value() == ""


def test_the_sliders_drive_a_model(notebook):
    """Stride and padding move the page's own maps, and PyTorch answers with those of a layer further on."""
    run_cell(notebook, MAPS)
    maps = notebook.locator(".jp-CodeCell").nth(MAPS)
    live = maps.locator("[part=liveWords]")
    live.get_by_text("PyTorch at stride 1, padding 0: 64 maps of 5 × 5.").wait_for()
    maps.locator("input[name=stride]").focus()
    notebook.keyboard.press("ArrowRight")
    assert maps.locator("[part=mapSize]").inner_text() == "Map 13 × 13"
    live.get_by_text("PyTorch at stride 2, padding 0: 64 maps of 2 × 2.").wait_for()
    assert maps.locator("[part=liveStrip] canvas").count() == 64
    maps.get_by_text("filter 3", exact=True).click()
    assert ask(notebook, MAPS + 1) == "2 filter 3 (13, 13) (64, 2, 2)"
    run_cell(notebook, MAPS + 2)
    live.get_by_text("PyTorch at stride 2, padding same: 32 maps of 14 × 14.").wait_for()
    assert maps.locator("[part=kind]").input_value() == "same"
    maps.locator("[part=layer]").select_option("pool1")
    live.get_by_text("32 maps of 7 × 7.").wait_for()


def test_python_reads_what_the_browser_has_trained(notebook):
    run_cell(notebook, TRAINED)
    part(notebook, "train").click()
    done = part(notebook, "train").and_(notebook.get_by_text("Go on"))
    done.wait_for(timeout=120_000)  # Python draws the images first
    assert ask(notebook, TRAINED + 1) == "[0, 1024, 2000] True True"
    run_cell(notebook, TRAINED + 2)
    part(notebook, "train").and_(notebook.get_by_text("Train", exact=True)).wait_for()
    assert "begin anew" in part(notebook, "words").last.text_content()


def test_the_theme_reaches_the_explorer(notebook):
    def background():
        return part(notebook, "play").evaluate("node => getComputedStyle(node).backgroundColor")

    light = background()
    notebook.evaluate(
        "window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })"
    )
    notebook.wait_for_selector("body[data-jp-theme-light=false]", state="attached")
    assert (light, background()) == ("rgb(255, 255, 255)", "rgb(18, 18, 18)")


def test_nothing_went_wrong_on_the_way(notebook):
    assert notebook.elsewhere == []
    assert notebook.messages == []


RUN = 3  # code cells of the chapter: its first picture, its parameters, its set-up
RUNS = """async (index) => {
    const { commands, shell } = window.jupyterapp;
    shell.currentWidget.content.activeCellIndex = index;
    shell.currentWidget.content.deselectAll();
    return commands.execute("notebook:run-cell");
}"""
RENDERED = """(count) => count === [...document.querySelectorAll(".jp-MarkdownCell .jp-RenderedMarkdown")]
    .filter((text) => text.childElementCount).length"""
STRAIGHT = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")
SENTENCES = """(paragraphs) => paragraphs.map((each) => {
    const copy = each.cloneNode(true);
    copy.querySelectorAll("mjx-container, .math, .headerlink").forEach((math) => math.remove());
    return copy.textContent;
})"""


def sentences(page, paragraphs):
    """What paragraphs say, but for formulas and the shape of quotes, which each place sets by itself."""
    found = page.locator(paragraphs).evaluate_all(SENTENCES)
    return [" ".join(text.translate(STRAIGHT).split()) for text in found if text.strip()]


def test_a_chapter_says_what_its_page_says_and_runs(lab, chromium):
    if not CHAPTER.exists():
        pytest.fail(f"no {CHAPTER}: run `make book` first")
    cells = nbformat.read(CHAPTER, as_version=4).cells
    notebook = opened_in(chromium, lab, lab.replace("explorer.ipynb", CHAPTER.name))
    rendered = sum(cell.cell_type == "markdown" for cell in cells)
    notebook.wait_for_function(RENDERED, polling=500, arg=rendered, timeout=120_000)
    page = chromium.new_page()
    page.goto((HTML / "notebooks" / f"{CHAPTER.stem}.html").as_uri())
    on_page = sentences(page, "article p:not(.cell_output p, .admonition-title, .sd-card p)")
    in_notebook = " ".join(sentences(notebook, ".jp-RenderedMarkdown :is(p, li, td)"))
    assert len(on_page) > 50
    assert [sentence for sentence in on_page if sentence not in in_notebook] == []
    folded = ["cellView" in cell.metadata for cell in cells]
    assert notebook.locator(".jp-InputPlaceholder").count() == sum(folded)
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    assert [notebook.evaluate(RUNS, index) for index in code[:RUN]] == [True] * RUN
    looks = next(index for index in code if cells[index].source.startswith("LOOKS = "))
    panel = next(index for index in code if cells[index].source.startswith("TrainingPanel("))
    assert [notebook.evaluate(RUNS, index) for index in (looks, panel)] == [True] * 2
    notebook.get_by_label("training images").fill("200")
    notebook.keyboard.press("Tab")
    notebook.get_by_role("button", name="Train").click()
    notebook.get_by_text("Done: (1, same), 200 images, seed 0.").wait_for(timeout=120_000)
    assert notebook.get_by_role("button", name="Train").is_enabled()
    assert notebook.messages == []
    notebook.context.close()
    page.close()
