"""Tangent kernels of the stochastic network, and the dynamics they predict."""
