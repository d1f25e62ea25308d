"""What the metrics and the networks of Figure 3 are called."""

METRICS = {
    "beta_vae": "BetaVAE",
    "factor_vae": "FactorVAE",
    "mig": "MIG",
    "sap": "SAP",
    "dci": "DCI",
}
"""What each of `vaentk.metrics.scores` is called."""

TRAINED, UNTRAINED = "trained", "untrained"
NULLS = {UNTRAINED: "untrained network", "random": "random code"}
"""What scores without training: the network at its start, and a random code of the same size."""
