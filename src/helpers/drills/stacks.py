"""Cases of several layers: what a unit sees, what they cost, where they end."""

from collections.abc import Callable, Mapping

from helpers.drills.one_layer import Case, Drawn

stack_rules: Mapping[str, Callable[[Drawn, int], Case | None]] = {}
