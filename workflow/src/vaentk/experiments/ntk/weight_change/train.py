"""Training Figure 2's network, one width a job."""

from vaentk.experiments.ntk.training import train_eq4 as train

__all__ = ["train"]
