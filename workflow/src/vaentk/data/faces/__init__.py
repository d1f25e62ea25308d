"""Drawn faces with attributes like CelebA's."""
