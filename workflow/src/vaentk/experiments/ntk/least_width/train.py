"""Training Theorem 1's network for every n, d and sigma0, one width a job."""

from vaentk.experiments.ntk.training import train_eq7 as train

__all__ = ["train"]
