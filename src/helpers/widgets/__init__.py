"""The explorers: a Python class and an ES module each, live in JupyterLab, drawn in a page without kernel."""

from helpers.widgets.base import BookWidget
from helpers.widgets.convolution_explorer import ConvolutionExplorer
from helpers.widgets.drill import Drill
from helpers.widgets.feature_map_explorer import FeatureMapExplorer
from helpers.widgets.frames import Frames
from helpers.widgets.receptive_field_explorer import ReceptiveFieldExplorer
from helpers.widgets.solver_explorer import SolverExplorer
from helpers.widgets.training_explorer import TrainingExplorer

__all__ = [
    "BookWidget",
    "ConvolutionExplorer",
    "Drill",
    "FeatureMapExplorer",
    "Frames",
    "ReceptiveFieldExplorer",
    "SolverExplorer",
    "TrainingExplorer",
]
