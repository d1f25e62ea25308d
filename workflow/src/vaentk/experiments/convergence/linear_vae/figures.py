"""S1's figures, a module each: rates of the gradient's norm, noise of the estimators, betas."""

from vaentk.experiments.convergence.linear_vae.figure_betas import linear_vae_betas
from vaentk.experiments.convergence.linear_vae.figure_noise import linear_vae_noise
from vaentk.experiments.convergence.linear_vae.figure_rates import linear_vae

__all__ = ["linear_vae", "linear_vae_betas", "linear_vae_noise"]
