"""Surendran et al. 2024: how the gradient of a VAE falls, and what changes it."""
