"""Wang & Huang 2024's first half: kernels, rates, ridge regression, weight change."""
