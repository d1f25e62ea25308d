"""Linear support vector machines on one feature at a time, solved exactly and side by side.

What scikit-learn's ``LinearSVC(C=0.01, class_weight="balanced")`` minimises for each class against
the rest, ``u = w x + b`` being its decision function, is

    1/2 (w^2 + b^2) + C_+ sum_+ max(0, 1 - u)^2 + C_- sum_- max(0, 1 + u)^2,

with liblinear's penalty on the intercept and liblinear's weights: ``C_+ = C n / (K n_k)`` on the
n_k of n points in class k of K, and C on the rest; both sides are balanced only where K = 2. The
points that a machine of one feature still counts lie to one side of a threshold, so that sums over
them are differences of cumulative sums over sorted points. While these points stay the same the
minimum is a 2 x 2 system; Newton's method solves it until they do, and that is the optimum.

disentanglement_lib ran liblinear's dual method, the default of its day, which approaches the same
optimum in a random order and stops at a tolerance.
"""

from dataclasses import dataclass
from typing import Final, Self

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from vaentk.metrics.lookup import VALUES_AT_ONCE

C: Final = 0.01
STEPS: Final = 200  # of Newton's method; some ten are usual
SETTLED: Final = 1e-18  # share of the objective that a step may still promise
ENOUGH: Final = 1e-4  # share of the promise that a step has to keep (Armijo)
NOISE: Final = 1e-13  # relative rounding of the objective


@dataclass(frozen=True, eq=False)
class Sorted:
    """Points in ascending order along the last axis."""

    x: Float64[Tensor, "*any n"]
    """Infinite where there is no point."""
    sums: Float64[Tensor, "three *any n+1"]
    """Number, sum and sum of squares of the first i points."""

    @classmethod
    def of(cls, x: Float64[Tensor, "*any n"]) -> Self:
        """Sort points."""
        x = x.sort(dim=-1).values
        there = x != torch.inf
        finite = torch.where(there, x, 0.0)
        powers = torch.stack([there.to(x.dtype), finite, finite.square()])
        return cls(x, torch.nn.functional.pad(powers.cumsum(dim=-1), (1, 0)))

    @property
    def total(self) -> Float64[Tensor, "three *any 1"]:
        """Sums over all points."""
        return self.sums[..., -1:]

    def below(self, threshold: Float64[Tensor, "*any k"]) -> Float64[Tensor, "three *any k"]:
        """Sums over the points below thresholds."""
        places = torch.searchsorted(self.x, threshold)
        return self.sums.gather(-1, places.expand(3, *places.shape))


@dataclass(frozen=True, eq=False)
class Problems:
    """One machine a code and a class; all fields broadcast to (codes, machines)."""

    whole: Sorted
    """All points of each code, (codes, n)."""
    inside: Sorted
    """The points in each machine's own class, (codes, machines, n')."""
    cost: Float64[Tensor, " machines"]
    cost_rest: Float64[Tensor, " machines"]
    """C_+ and C_-."""

    def step(self, w: Tensor, b: Tensor) -> Float64[Tensor, "six codes machines"]:
        """Stack w, b, the objective there, Newton's step in w and in b, and twice its promise.

        The promise is the decrease that the step would bring if the points stayed.
        """
        own, rest = self._counted(w, b)
        own, rest = 2 * self.cost * own, 2 * self.cost_rest * rest
        # The objective is 1/2 z'Hz - r'z + constant in z = (w, b) while the points stay.
        n, x, xx = own + rest
        h_bb, h_wb, h_ww = 1 + n, x, 1 + xx
        r_b, r_w, _ = own - rest
        objective = (_form(h_ww, h_wb, h_bb, w, b) + n) / 2 - r_w * w - r_b * b
        determinant = h_ww * h_bb - h_wb.square()
        to_w = (h_bb * r_w - h_wb * r_b) / determinant - w
        to_b = (h_ww * r_b - h_wb * r_w) / determinant - b
        promise = _form(h_ww, h_wb, h_bb, to_w, to_b)
        return torch.stack([w, b, objective, to_w, to_b, promise])

    def _counted(self, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Sums over the own points with u < 1 and over the rest with u > -1: (3, ...) each."""
        w = w + 0.0  # turns -0 into 0, for which the thresholds below are right
        rising = w >= 0
        edge, edge_rest = ((1 - b) / w)[..., None], (-1 - b) / w
        own = self.inside.below(edge)[..., 0]
        own_total = self.inside.total[..., 0]
        rest = self.whole.below(edge_rest) - self.inside.below(edge_rest[..., None])[..., 0]
        rest_total = self.whole.total - own_total
        return torch.where(rising, own, own_total - own), torch.where(
            rising, rest_total - rest, rest
        )

    def solve(self) -> tuple[Tensor, Tensor]:
        """Slope w and intercept b of every machine; a RuntimeError if a code is not a number."""
        start = self.inside.x.new_zeros(self.inside.x.shape[:2])
        now, length = self.step(start, start), torch.ones_like(start)
        for _ in range(STEPS):
            w, b, objective, to_w, to_b, promise = now
            if (promise <= SETTLED * objective).all():
                return w + to_w, b + to_b
            then = self.step(w + length * to_w, b + length * to_b)
            better = then[2] <= objective * (1 + NOISE) - ENOUGH * length * promise
            now = torch.where(better, then, now)
            length = torch.where(better, 1.0, length / 2)
        raise RuntimeError("A support vector machine did not settle: are all codes numbers?")


def _form(ww: Tensor, wb: Tensor, bb: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """The quadratic form of a symmetric 2 x 2 matrix."""
    return ww * w.square() + 2 * wb * w * b + bb * b.square()


@dataclass(frozen=True, eq=False)
class Classes:
    """The K classes of points."""

    labels: Int64[Tensor, " K"]
    """Ascending."""
    counts: Int64[Tensor, " K"]
    members: Int64[Tensor, "K largest"]
    """Numbers of each class's points, filled up with n."""

    @classmethod
    def of(cls, y: Int64[Tensor, " n"]) -> Self:
        """Find the classes of the points' labels."""
        labels, classes, counts = torch.unique(y, return_inverse=True, return_counts=True)
        order = classes.argsort(stable=True)
        within = torch.arange(len(y), device=y.device) - (counts.cumsum(0) - counts)[classes[order]]
        members = y.new_full((len(labels), int(counts.max())), len(y))
        members[classes[order], within] = order
        return cls(labels, counts, members)

    def fit(
        self, x: Float64[Tensor, "codes n"], whole: Sorted
    ) -> tuple[Float64[Tensor, "codes machines"], Float64[Tensor, "codes machines"]]:
        """Slopes and intercepts for every code and class; with two classes only for the second.

        ``whole`` is ``x`` sorted.
        """
        cost = C * x.shape[1] / (len(self.counts) * self.counts.to(x.dtype))
        rest = torch.full_like(cost, C)
        members = self.members
        if len(self.counts) == 2:
            members, rest, cost = members[1:], cost[:1], cost[1:]
        filled = torch.nn.functional.pad(x, (0, 1), value=torch.inf)
        return Problems(whole, Sorted.of(filled[:, members]), cost, rest).solve()

    def predict(
        self,
        x: Float64[Tensor, "codes n"],
        w: Float64[Tensor, "codes machines"],
        b: Float64[Tensor, "codes machines"],
    ) -> Int64[Tensor, "codes n"]:
        """Label of the largest decision function, the first of equals."""
        if len(self.labels) == 2:
            return self.labels[(x * w + b > 0).long()]
        most, best = torch.full_like(x, -torch.inf), torch.zeros_like(x, dtype=torch.long)
        for place, (slope, intercept) in enumerate(zip(w.T, b.T, strict=True)):
            decision = torch.addcmul(intercept[:, None], x, slope[:, None])
            larger = decision > most
            most = torch.where(larger, decision, most)
            best.masked_fill_(larger, place)
        return self.labels[best]


def accuracies(
    x: Float[Tensor, "n features"],
    y: Int64[Tensor, "n labels"],
    x_test: Float[Tensor, "tested features"],
    y_test: Int64[Tensor, "tested labels"],
) -> Float64[Tensor, "features labels"]:
    """Share of the test points whose label each single feature predicts."""
    classes = [Classes.of(column) for column in y.T]
    together = max(1, VALUES_AT_ONCE // len(x))
    parts = []
    for part, part_test in zip(
        torch.split(x.T, together), torch.split(x_test.T, together), strict=True
    ):
        points, points_test = part.double().contiguous(), part_test.double().contiguous()
        whole = Sorted.of(points)
        right = [
            (one.predict(points_test, *one.fit(points, whole)) == truth).double().mean(dim=1)
            for one, truth in zip(classes, y_test.T, strict=True)
        ]
        parts.append(torch.stack(right, dim=1))
    return torch.cat(parts)
