"""dSprites: all 737,280 images drawn from their geometry, or read from the published file.

``python -m vaentk.data.dsprites compare FILE.npz`` compares the two.
"""
