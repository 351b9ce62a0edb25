"""The explorers: a Python class and an ES module each, live in JupyterLab, drawn in a page without kernel."""

from helpers.widgets.base import BookWidget
from helpers.widgets.convolution_explorer import ConvolutionExplorer
from helpers.widgets.frames import Frames

__all__ = ["BookWidget", "ConvolutionExplorer", "Frames"]
