"""Wang & Huang 2024's second half: what VAEs of several latent sizes represent."""
