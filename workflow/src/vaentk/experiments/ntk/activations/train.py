"""Training Theorem 1's network with every activation, one width a job."""

from vaentk.experiments.ntk.training import train_eq7 as train

__all__ = ["train"]
