"""Figure 3's VAE and its training as anybody would write them in PyTorch.

Imports nothing of ours: pythae_peer.py takes the network into the peers' environment. Run as a
program, it trains one network and answers with its steps a second (windows.py).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from windows import Window, serve

BATCH = 64
LATENT = 10
BETA = 4.0
LEARNING_RATE = 1e-4
IMAGES = 4096
BLOCK = 25  # steps between two looks at the clock, as ours has


def binary_images(channels: int = 1) -> Tensor:
    """Noise of black and white, values 0 and 1: float32 (IMAGES, channels, 64, 64)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(2, (IMAGES, channels, 64, 64), generator=generator).float()


class InMemory(Dataset[Tensor]):
    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


class Encoder(nn.Module):
    """Images to the posterior's mean and log-variance."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 2, 2),
            nn.ReLU(),
            nn.Conv2d(64, 64, 2, 2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(1024, 256),
            nn.ReLU(),
        )
        self.mean = nn.Linear(256, LATENT)
        self.logvar = nn.Linear(256, LATENT)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(images)
        return self.mean(features), self.logvar(features)


class Decoder(nn.Module):
    """Codes to the logits of the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(LATENT, 256),
            nn.ReLU(),
            nn.Linear(256, 1024),
            nn.ReLU(),
            nn.Unflatten(1, (64, 4, 4)),
            nn.ConvTranspose2d(64, 64, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1),
        )

    def forward(self, codes: Tensor) -> Tensor:
        return self.layers(codes)


class Trainer:
    """One network and its loop; the loss is never fetched, which would make a GPU wait."""

    def __init__(self) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.encoder, self.decoder = Encoder().to(self.device), Decoder().to(self.device)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE)
        images = InMemory(binary_images())
        self.loader = DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=0)

    def rate(self) -> float:
        """Steps a second in a window."""
        window, steps = Window(), 0
        while True:
            for images in self.loader:
                self.step(images.to(self.device))
                steps += 1
                if steps % BLOCK == 0:
                    if self.device == "cuda":
                        torch.cuda.synchronize()
                    if window.over(steps):
                        return window.rate

    def step(self, images: Tensor) -> None:
        mean, logvar = self.encoder(images)
        codes = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        logits = self.decoder(codes)
        reconstruction = functional.binary_cross_entropy_with_logits(
            logits, images, reduction="sum"
        )
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum()
        loss = (reconstruction + BETA * kl) / len(images)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()


if __name__ == "__main__":
    serve(Trainer().rate)
