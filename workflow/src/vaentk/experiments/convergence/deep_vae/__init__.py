"""Surendran et al. 2024: deep Gaussian VAEs, whose gradients are measured (S2 to S5)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vaentk.experiments.declaration import Experiment
from vaentk.experiments.settings import (
    ActivationName,
    Count,
    NonNegative,
    Positive,
    PrecisionName,
    Seeds,
    Strict,
    exact,
)

SIDES = {"celeba": (64, 32, 16), "cifar": (32, 16)}
"""Pixels a side that images of a data set can have, its own first."""

EPOCHS = 100
"""Of the authors."""

AUTHORS = {64: ((64, 128, 256, 512), 1024), 32: ((32, 64, 128), 256)}
"""The authors' widths and hidden, by side: for CelebA and for CIFAR-100."""

ActivationVariant = Annotated[
    str,
    Field(pattern=r"^(identity|erf|relu|leaky_relu|gelu|tanh|softplus|sigmoid|soft-[1-9]\d*)$"),
]

LAST_SIDE = 4
"""Pixels a side of the last convolution's output; every convolution halves the image."""


class DeepNetwork(Strict):
    """The deep Gaussian VAE and its images; what S2 to S4 train and S5 takes apart."""

    dataset: Literal["celeba", "cifar"] = Field(
        "celeba", description="CelebA uncropped, as the authors have it, or CIFAR"
    )
    side: Literal[64, 32, 16] = Field(64, description="pixels a side; images are pooled to it")
    model: Literal["conv", "dense"] = Field(
        "conv", description="the authors' convolutions, or fully connected"
    )
    layers: Annotated[tuple[Count, ...], Field(min_length=1)] = Field(
        (256, 256), description="units of the fully connected encoder's hidden layers"
    )
    widths: Annotated[tuple[Count, ...], Field(min_length=1)] | None = Field(
        None, description="channels after each convolution; the authors' for that side if null"
    )
    hidden: Count | None = Field(
        None, description="units of the dense layer; the authors' for that side if null"
    )
    latent: Count = Field(100, description="latent size")
    activation: ActivationName = Field("relu", description="after every hidden layer")
    sharpness: Positive = Field(
        1.0, description="s of soft-clipping with the authors' bounds, where that is the activation"
    )
    likelihood: Literal["bernoulli", "gaussian"] = Field(
        "bernoulli", description="the authors' loss, or the theorem's fixed-variance Gaussian"
    )
    deviation: Positive = Field(
        0.1, description="the Gaussian's c, in units of a pixel's range from 0 to 1"
    )
    precision: PrecisionName = "float32"
    images: Count | None = Field(
        None, description="training images used, the first ones; all of the training part if null"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.side not in SIDES[self.dataset]:
            raise ValueError(f"side is {self.side}, but images of {self.dataset} have 32 pixels")
        if self.model == "dense":
            return self
        if self.side not in AUTHORS and self.widths is None:
            raise ValueError(f"side is {self.side}: needs widths and hidden, or model: dense")
        if (self.widths is None) != (self.hidden is None):
            raise ValueError("takes both widths and hidden, or neither")
        if self.widths is not None and LAST_SIDE << len(self.widths) != self.side:
            raise ValueError(
                f"widths has {len(self.widths)} convolutions, which halve {self.side} pixels to "
                f"{self.side / 2 ** len(self.widths):g} and not to {LAST_SIDE}"
            )
        return self

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """Channels after each convolution, and units of the dense layer."""
        if self.widths is None or self.hidden is None:
            return AUTHORS[self.side]
        return self.widths, self.hidden

    @property
    def reduced(self) -> str:
        """Say what is less than in the authors' experiment; empty where nothing is."""
        full = SIDES[self.dataset][0]
        said = [f"{self.side}x{self.side} pixels"] * (self.side < full)
        if self.model == "dense":
            said += [f"fully connected layers of {', '.join(map(str, self.layers))} units"]
        elif self.sizes != AUTHORS[full]:
            said += ["a narrower network"]
        said += [f"{self.images} images"] * (self.images is not None)
        return ", ".join(said)


class DeepTraining(Strict):
    """One variant of a deep Gaussian VAE, and how it is trained and measured."""

    network: DeepNetwork = DeepNetwork()
    seeds: Seeds = Field((0, 1, 2, 3, 4), description="trained side by side")
    epochs: Count = Field(100, description="passes over the training images, reshuffled")
    batch: Annotated[int, Field(gt=0, multiple_of=2)] = Field(
        256, description="images an update, an even number; an incomplete last one is left out"
    )
    drawn: Literal["epochs", "independently"] = Field(
        "epochs",
        description="whether an update's images come from reshuffled epochs, as the authors have "
        "it, or are drawn with replacement, as the theorem has it",
    )
    learning_rate: Positive = Field(1e-3, description="C of the step sizes")
    stepping: Literal["per-epoch", "per-iteration", "constant"] = Field(
        "per-epoch",
        description="C over the root of the epoch's number, as the authors have it, or of the "
        "update's, as the theorem; or C throughout",
    )
    optimiser: Literal["adam", "sgd"] = Field("adam", description="Adam with 0.9, 0.999, 1e-8")
    beta: NonNegative = Field(1.0, description="weight of the KL term")
    codes: Count = Field(1, description="K, codes of an image")
    estimator: Literal["elbo", "iwae", "iwae-dreg"] = Field(
        "elbo", description="the loss; the IWAE with the pathwise or doubly reparametrised gradient"
    )
    codes_at_once: Count | None = Field(
        None,
        description="codes of an image decoded together, for memory; all if null, on a GPU as many "
        "as fit into it",
    )
    common_codes: Annotated[int, Field(ge=2)] = Field(
        5, description="K of the importance-weighted bound that all variants are compared by"
    )
    per_decade: Count = Field(8, description="measurements for every factor of ten in updates")
    scored: Count | None = Field(
        None, description="images of each part that bounds are evaluated on; all if null"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        self.distinct("seeds", "activations", "betas", "samples")
        return self

    @property
    def dataset(self) -> str:
        """What the images are called in ``data``: CelebA's are the uncropped ones."""
        return "celeba_whole" if self.network.dataset == "celeba" else self.network.dataset

    @property
    def reduced(self) -> str:
        """Say what is less than in the authors' experiment; empty where nothing is."""
        epochs = f"{self.epochs} of {EPOCHS} epochs" if self.epochs < EPOCHS else ""
        return ", ".join(filter(None, (self.network.reduced, epochs)))


class DeepVAE(DeepTraining):
    """S2 to S4: a base, and variants of it that differ in activation, in beta or in K."""

    activations: tuple[ActivationVariant, ...] = Field(
        ("relu", "soft-1", "soft-2", "soft-5", "soft-10"),
        description="S2, from the least smooth: names, and soft-<s> for soft-clipping",
    )
    betas: tuple[Positive, ...] = Field((0.5, 1.0, 2.0, 4.0, 8.0), description="S3")
    samples: tuple[Count, ...] = Field((1, 5, 10, 50, 100), description="S4, values of K")
    importance: Literal["iwae", "iwae-dreg"] = Field(
        "iwae", description="S4's estimator where K is larger than 1"
    )

    @model_validator(mode="after")
    def _base_is_plain(self) -> Self:
        if self.estimator != "elbo" or self.codes != 1:
            raise ValueError("estimator and codes belong to the sweep: the base has the ELBO")
        return self

    def sweeps(self) -> dict[str, dict[str, str]]:
        """Name the variants of ``activation``, ``beta`` and ``samples`` by value, base included."""
        name, network = str(self.network.activation), self.network
        own = f"soft-{exact(network.sharpness)}" if name == "soft_clipping" else name
        activations = self.activations if own in self.activations else (own, *self.activations)
        betas, samples = sorted({self.beta, *self.betas}), sorted({1, *self.samples})
        return {
            "activation": {a: "base" if a == own else a for a in activations},
            "beta": {exact(b): "base" if b == self.beta else f"beta-{exact(b)}" for b in betas},
            "samples": {f"{k}": "base" if k == 1 else f"iwae-{k}" for k in samples},
        }

    @property
    def variant_names(self) -> tuple[str, ...]:
        """Names of the base and of every variant."""
        return tuple(self.variants())

    def of_part(self, part: str) -> DeepTraining:
        """Return the settings of one variant, which other variants do not change."""
        return self.variants()[part]

    def variants(self) -> dict[str, DeepTraining]:
        """Return the base and every variant."""
        plain = self.model_dump(mode="json")
        shared = {key: plain[key] for key in DeepTraining.model_fields}
        variants = {"base": DeepTraining.from_plain(shared)}
        for sweep, named in self.sweeps().items():
            for value, variant in named.items():
                if variant != "base":
                    change = self._change(sweep, value, shared["network"])
                    variants[variant] = DeepTraining.from_plain(shared | change)
        return variants

    def _change(self, sweep: str, value: str, network: dict[str, Any]) -> dict[str, Any]:
        """The settings of a variant that differ."""
        if sweep == "beta":
            return {"beta": float(value)}
        if sweep == "samples":
            return {"codes": int(value), "estimator": self.importance}
        name, _, sharpness = value.partition("-")
        own: dict[str, Any] = {"activation": name}
        if sharpness:
            own = {"activation": "soft_clipping", "sharpness": float(sharpness)}
        return {"network": network | own}


EXPERIMENT = Experiment(
    settings=DeepVAE,
    jobs="variant_names",
    dtype="float32",
    takes=("images",),
    trained={"records": "parquet", "weights": "safetensors"},
    measured_from=("images", "records", "published"),
    measures=("curves", "slopes", "thresholds", "trends", "ends"),
    figures={
        "deep_vae_activations": ("curves",),
        "deep_vae_betas": ("curves",),
        "deep_vae_samples": ("curves",),
    },
    tables={
        "deep_vae_slopes": ("slopes",),
        "deep_vae_trends": ("trends",),
        "deep_vae_ends": ("ends",),
    },
)
