"""Scores of disentanglement, each a function of codes and of a sample drawn beforehand."""
