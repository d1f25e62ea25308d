"""Variational bounds of deep VAEs (ELBO, IWAE), their gradients, and how noisy these are."""
