"""The linear VAE: its ELBO over a data set, gradient, Hessian and optimum in closed form.

``p(z) = N(0, I_q)``, ``p(x|z) = N(W z + b, c^2 I_d)`` with c fixed, and
``q(z|x) = N(V x + a, diag(exp(s)))``. Every formula is a mean over data, a sum over dimensions, in
nats. A one appended to x and z takes the offsets in: ``x1 = (x, 1)``, ``z1 = (z, 1)``, the decoder
is ``Wb = [W b]`` and the encoder ``Va = [V a]``. The ELBO is quadratic in x, so of the data only
the second moment ``S1 = E x1 x1^T`` enters. With ``D = diag(exp(s))``,

    T = E z1 x1^T = [Va; 0 1] S1,    Z = E z1 z1^T = T [Va; 0 1]^T + [D 0; 0 0],    G = W^T Wb

(q + 1, d + 1), (q + 1, q + 1) and (q, q + 1).
"""

from dataclasses import dataclass
from functools import cached_property
from math import log, pi
from typing import NamedTuple, Self

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Parameters:
    """Parameters of R linear VAEs, or a gradient or direction in them; float64.

    There may be any leading dimensions in R's place, of all three alike.
    """

    decoder: Tensor
    """``[W b]``, (R, d, q + 1)."""
    encoder: Tensor
    """``[V a]``, (R, q, d + 1)."""
    s: Tensor
    """Log-variances of the code, (R, q)."""

    @classmethod
    def of(cls, w: Tensor, b: Tensor, v: Tensor, a: Tensor, s: Tensor) -> Self:
        """Put together W (R, d, q), b (R, d), V (R, q, d), a (R, q) and s (R, q)."""
        decoder, encoder = torch.cat([w, b[..., None]], -1), torch.cat([v, a[..., None]], -1)
        return cls(decoder, encoder, s)

    @property
    def w(self) -> Tensor:
        """W, (R, d, q), a view."""
        return self.decoder[..., :-1]

    @property
    def b(self) -> Tensor:
        """The decoder's offset, (R, d), a view."""
        return self.decoder[..., -1]

    @property
    def v(self) -> Tensor:
        """V, (R, q, d), a view."""
        return self.encoder[..., :-1]

    @property
    def a(self) -> Tensor:
        """The encoder's offset, (R, q), a view."""
        return self.encoder[..., -1]

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Decoder, encoder and s."""
        return self.decoder, self.encoder, self.s

    def flat(self) -> Tensor:
        """All P = d (q + 1) + q (d + 1) + q numbers of a run in one row, (R, P)."""
        return torch.cat([self.decoder.flatten(-2), self.encoder.flatten(-2), self.s], dim=-1)

    @classmethod
    def views(cls, flat: Tensor, data_dim: int, latent_dim: int) -> Self:
        """Views of rows (R, P) that `flat` could have made, for d and q dimensions."""
        shapes = (data_dim, latent_dim + 1), (latent_dim, data_dim + 1)
        sizes = [rows * columns for rows, columns in shapes]
        decoder, encoder, s = torch.split(flat, [*sizes, latent_dim], dim=-1)
        runs = flat.shape[:-1]
        return cls(decoder.view(*runs, *shapes[0]), encoder.view(*runs, *shapes[1]), s)

    def square(self) -> Tensor:
        """Squared Euclidean norm of each run's parameters, (R,)."""
        decoder, encoder = (matrix.square().sum((-2, -1)) for matrix in self.tensors()[:2])
        return decoder + encoder + self.s.square().sum(-1)

    def add_(self, other: Self, scale: float) -> None:
        """Add ``scale`` times others of the same shape, in place."""
        for tensor, added in zip(self.tensors(), other.tensors(), strict=True):
            tensor.add_(added, alpha=scale)

    def zeros_like(self) -> Self:
        """Zeros of the same shape."""
        return type(self)(*(torch.zeros_like(tensor) for tensor in self.tensors()))


@dataclass(frozen=True, eq=False)
class Moments:
    """What the mean ELBO knows of a data set or a distribution."""

    mean: Tensor
    """(d,)"""
    covariance: Tensor
    """(d, d), of a data set divided by the number of samples."""

    @classmethod
    def of(cls, data: Tensor) -> Self:
        """Moments of samples (N, d)."""
        mean = data.mean(dim=0)
        centred = data - mean
        return cls(mean, centred.mT @ centred / len(data))

    @cached_property
    def second(self) -> Tensor:
        """``S1 = E x1 x1^T``, (d + 1, d + 1)."""
        mean = append_one(self.mean)
        second = torch.outer(mean, mean)
        second[:-1, :-1] += self.covariance
        return second


def append_one(points: Tensor) -> Tensor:
    """``(x, 1)`` of points (..., d): (..., d + 1)."""
    return torch.cat([points, points.new_ones(*points.shape[:-1], 1)], dim=-1)


class _Pass(NamedTuple):
    """The module's T, Z and G at given parameters, and the diagonal of D, (R, q)."""

    t: Tensor
    z: Tensor
    g: Tensor
    variance: Tensor


@dataclass(frozen=True)
class LinearVae:
    """The objective of a linear VAE."""

    variance: float
    """c^2 of the decoder, fixed."""
    beta: float = 1.0
    """Weight of the KL term; 1 is the ELBO."""

    def elbo(self, parameters: Parameters, moments: Moments) -> Tensor:
        """Mean over data of ``E_q log p(x|z) - beta KL(q(z|x) | p(z))`` in nats, (R,).

        ``-d/2 log(2 pi c^2) - E|x - Wb z1|^2 / (2 c^2) - beta/2 sum_j (Z_jj - 1 - s_j)`` over the
        units j, with ``E|x - Wb z1|^2 = E|x|^2 - 2 tr(Wb T_x) + tr(Wb^T Wb Z)`` and T_x the first
        d columns of T.
        """
        decoder, now = parameters.decoder, _forward(parameters, moments)
        data_dim = moments.mean.numel()
        squares = _diagonal(moments.second)[:-1].sum()
        squares = squares + (decoder * (decoder @ now.z - 2 * now.t[..., :-1].mT)).sum((-2, -1))
        units = _diagonal(now.z)[..., :-1] - 1 - parameters.s
        constant = data_dim * log(2 * pi * self.variance)
        return -0.5 * (constant + squares / self.variance + self.beta * units.sum(-1))

    def log_likelihood(self, parameters: Parameters, moments: Moments) -> Tensor:
        """Mean over data of ``log p(x)`` in nats, (R,): what IWAE's bound tends to as K grows.

        ``x ~ N(b, C)`` with ``C = W W^T + c^2 I``, so that with the data's mean m and covariance S
        it is ``-(d log(2 pi) + log det C + tr(C^-1 (S + (m - b) (m - b)^T))) / 2``.
        """
        w, away = parameters.w, moments.mean - parameters.b
        data_dim = moments.mean.numel()
        eye = torch.eye(data_dim, dtype=w.dtype, device=w.device)
        factor = torch.linalg.cholesky(w @ w.mT + self.variance * eye)
        scatter = moments.covariance + away.unsqueeze(-1) * away.unsqueeze(-2)
        squares = _diagonal(torch.cholesky_solve(scatter, factor)).sum(-1)
        log_det = 2 * _diagonal(factor).log().sum(-1)
        return -0.5 * (data_dim * log(2 * pi) + log_det + squares)

    def gradient(self, parameters: Parameters, moments: Moments) -> Parameters:
        """Gradient of `elbo`, uphill.

        By the decoder ``E (x - Wb z1) z1^T / c^2 = (T_x^T - Wb Z) / c^2``; by the encoder
        ``E [W^T (x - Wb z1) / c^2 - beta z] x1^T = (W^T S1_x - G T) / c^2 - beta T_z``, with S1_x
        the first d rows of S1 and T_z the first q of T; by s
        ``beta/2 - exp(s) (diag(W^T W) / c^2 + beta) / 2``.
        """
        now, precision = _forward(parameters, moments), 1 / self.variance
        # Small batched products are quickest where the longest dimension of the result is last.
        transposed = parameters.decoder.mT.contiguous()
        by_decoder = torch.baddbmm(
            now.t[..., :-1], now.z, transposed, beta=precision, alpha=-precision
        ).mT
        drive = (transposed @ moments.second[:-1])[..., :-1, :]
        by_encoder = torch.baddbmm(drive, now.g, now.t, beta=precision, alpha=-precision)
        by_encoder.sub_(now.t[..., :-1, :], alpha=self.beta)
        slope = _diagonal(now.g) * precision + self.beta
        by_s = 0.5 * (self.beta - now.variance * slope)
        return Parameters(by_decoder, by_encoder, by_s)

    def hessian_product(
        self, parameters: Parameters, direction: Parameters, moments: Moments
    ) -> Parameters:
        """Hessian of `elbo` times a direction: the derivative of `gradient` along it.

        The product rule on every formula of `gradient`, with a prime for a derivative along the
        direction: ``T' = [Va'; 0 0] S1``, ``G' = W'^T Wb + W^T Wb'``, and ``Z'`` the sum of
        ``T' [Va; 0 1]^T``, its transpose and ``[D diag(s') 0; 0 0]``.
        """
        w, dw, precision = parameters.w, direction.w, 1 / self.variance
        now = _forward(parameters, moments)
        d_variance = now.variance * direction.s
        dt = _pad(direction.encoder @ moments.second, 0.0)
        half = torch.cat([dt @ parameters.encoder.mT, dt[..., -1:]], dim=-1)
        dz = half + half.mT + torch.diag_embed(torch.nn.functional.pad(d_variance, (0, 1)))
        dg = dw.mT @ parameters.decoder + w.mT @ direction.decoder
        by_decoder = dt[..., :-1].mT - direction.decoder @ now.z - parameters.decoder @ dz
        pull = dw.mT @ moments.second[:-1] - dg @ now.t - now.g @ dt
        by_encoder = pull * precision - self.beta * dt[..., :-1, :]
        slope = _diagonal(now.g) * precision + self.beta
        by_s = -0.5 * (d_variance * slope + now.variance * _diagonal(dg) * precision)
        return Parameters(by_decoder * precision, by_encoder, by_s)

    def hessian(self, parameters: Parameters, moments: Moments) -> Tensor:
        """Hessian of `elbo`, (R, P, P), rows and columns in the order of `Parameters.flat`.

        For small sizes: needs R P^2 numbers several times over.
        """
        rows = parameters.flat().unsqueeze(-2)
        data_dim, latent_dim = parameters.w.shape[-2:]
        basis = torch.eye(rows.shape[-1], dtype=rows.dtype, device=rows.device)
        shape = (*rows.shape[:-2], *basis.shape)
        runs = Parameters.views(rows.expand(shape), data_dim, latent_dim)
        directions = Parameters.views(basis.expand(shape), data_dim, latent_dim)
        return self.hessian_product(runs, directions, moments).flat()

    def optimum(self, moments: Moments, latent_dim: int) -> Parameters:
        """A maximum of `elbo` over all parameters, R = 1: probabilistic PCA with its posterior.

        With mean m, the q largest eigenvalues ``lambda`` of the covariance, their vectors U,
        ``k = beta c^2`` (a weight of the KL acts as a larger c^2) and ``l = max(lambda, k)``::

            W = U (l - k)^(1/2),  b = m,  V = (l - k)^(1/2) / l U^T,  a = -V m,  s = log(k / l)

        Unique up to signs and the order of units, and rotations among equal eigenvalues; at
        beta = 1 its ELBO is the largest evidence that any W and b give (Tipping & Bishop 1999).
        """
        values, vectors = torch.linalg.eigh(moments.covariance)
        top, basis = values.flip(0)[:latent_dim], vectors.flip(1)[:, :latent_dim]
        floor = self.beta * self.variance
        kept = top.clamp(min=floor)
        root = (kept - floor).sqrt()
        v = (root / kept)[:, None] * basis.mT
        whole = Parameters.of(
            basis * root, moments.mean, v, -v @ moments.mean, (floor / kept).log()
        )
        return Parameters(*(tensor.unsqueeze(0) for tensor in whole.tensors()))


def _forward(parameters: Parameters, moments: Moments) -> _Pass:
    """Evaluate the module's letters."""
    variance = parameters.s.exp()
    t = _pad(parameters.encoder @ moments.second, moments.second[-1])
    z = torch.cat([t @ parameters.encoder.mT, t[..., -1:]], dim=-1)
    _diagonal(z)[..., :-1] += variance
    return _Pass(t, z, parameters.w.mT @ parameters.decoder, variance)


def _pad(rows: Tensor, last: Tensor | float) -> Tensor:
    """Append one row to matrices (..., n, m)."""
    padded = rows.new_empty(*rows.shape[:-2], rows.shape[-2] + 1, rows.shape[-1])
    padded[..., :-1, :] = rows
    padded[..., -1, :] = last
    return padded


def _diagonal(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1)
