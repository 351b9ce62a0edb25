"""The package behind *Stride and Padding*: arithmetic, layers, data, training and figures."""
