"""The papers' networks: exact forward maps and gradients, members (seeds) side by side."""
