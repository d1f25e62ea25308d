"""Variational bounds of deep VAEs (ELBO, IWAE), their gradients, and how noisy these are."""

GROUPS = 16
"""Groups of images whose noise tells the error of a gradient over all of them: it is itself off by
some sqrt(1/32) = 18%."""
