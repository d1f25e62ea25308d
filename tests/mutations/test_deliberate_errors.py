"""Deliberate errors in the library, each of which a test must see.

A copy of the sources gets one error of the kind that would overturn a verdict; the tests named
beside it run on the copy, and must fail. With the error mended they pass: that is `make test`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "workflow/src"


class Mutation(NamedTuple):
    """One error: what is written in place of what, and the tests that must fail."""

    module: str
    """Under ``vaentk``."""
    right: str
    """Stands there once."""
    wrong: str
    tests: str
    """Under ``tests``."""


NTK = "experiments/ntk"
MUTATIONS = {
    "records: a result is not compared with its checksum": Mutation(
        "runtime/records.py",
        "if written != found:",
        "if False:",
        "unit/runtime/test_records.py",
    ),
    "checkpoints: the tensors are not part of the checksum": Mutation(
        "runtime/checkpoints.py",
        "found.update(array.data)",
        "found.update(b'')",
        "unit/runtime/test_checkpoints.py",
    ),
    "checkpoints: taken up again on other inputs": Mutation(
        "runtime/trainings.py",
        "known = [job.device, job.params, inputs, versions(),",
        "known = [job.device, job.params, versions(),",
        "unit/runtime/test_trainings.py",
    ),
    "Theorem 2: the ridge without its factor n": Mutation(
        f"{NTK}/ridge/regression.py", '"n beta": 1.0', '"n beta": 0.0', f"unit/{NTK}/test_ridge.py"
    ),
    "Theorem 2 with the KL term: every displacement is penalised": Mutation(
        f"{NTK}/kl_ridge/regression.py",
        "inputs @ np.linalg.pinv(x)",
        "inputs @ x.T",
        f"unit/{NTK}/test_kl_ridge.py",
    ),
    "held-out images: the kernel's flow with all images for one in its time": Mutation(
        f"{NTK}/generalisation/prediction.py",
        "gradient_flow([time], len(self.x))",
        "gradient_flow([time], 1)",
        f"unit/{NTK}/test_generalisation.py",
    ),
    "held-out images: outputs on training images in their place": Mutation(
        f"{NTK}/generalisation/measure.py",
        "answers, of_kernel = answered[samples:]",
        "answers, of_kernel = answered[: len(answered) - samples]",
        f"unit/{NTK}/test_generalisation.py",
    ),
    "K_sigma: sigma0 for sigma0^2": Mutation(
        "kernels/limit.py", "sigma *= sigma0**2", "sigma *= sigma0", "theory/test_limit_kernels.py"
    ),
    "K: K_sigma is left out": Mutation(
        "kernels/limit.py",
        "return self.mu + self.sigma + self.d",
        "return self.mu + self.d",
        "theory/test_limit_kernels.py",
    ),
    "latent noise: variance 1 for 1 + sigma0^2 in the limit": Mutation(
        "kernels/limit.py",
        "at(inner / (1 + sigma0**2))",
        "at(inner)",
        "theory/test_limit_kernels.py",
    ),
    "Theorem 1: the bound at twice its rate": Mutation(
        "kernels/flow.py",
        "np.exp(-lambda_0 / samples",
        "np.exp(-2 * lambda_0 / samples",
        "theory/test_kernel_flow.py",
    ),
    "Eq. 7: a half is missing": Mutation(
        "kernels/flow.py",
        "(2 * residuals.shape[1])",
        "residuals.shape[1]",
        "theory/test_kernel_flow.py",
    ),
    "Lemma 4: its bound does not fall with the width": Mutation(
        f"{NTK}/linear_rate/measure.py",
        "(np.sqrt(width) * lambda_0)",
        "lambda_0",
        f"unit/{NTK}/test_linear_rate.py",
    ),
    "Figure 2: the learning rate is doubled": Mutation(
        "training/schedule.py",
        "learning_rate * (2 / outputs)",
        "learning_rate * (4 / outputs)",
        "unit/training/test_schedule.py",
    ),
    "Figure 2: the first layer is frozen": Mutation(
        "training/vae_gradient.py",
        's["by_first"], scale, keep)',
        's["by_first"], 0.0, keep)',
        "unit/training/test_vae_gradient.py",
    ),
    "Figure 2, mean-field: targets as they are": Mutation(
        f"{NTK}/networks.py",
        "target_scale=sqrt(width)",
        "target_scale=1.0",
        f"unit/{NTK}/test_training.py",
    ),
    "gradient flow: the error of a step is not seen": Mutation(
        "training/flow.py", "alpha=-0.8)", "alpha=0.8)", "unit/training/test_flow.py"
    ),
    "gradient flow: steps one stage too short": Mutation(
        "training/flow.py",
        "ceil(sqrt(1 + 1.54 * stiffness))",
        "int(sqrt(stiffness))",
        "unit/training/test_flow.py",
    ),
    "antisymmetric start: the outputs do not cancel": Mutation(
        "models/snn.py",
        "torch.cat([d, -d], dim=1)",
        "torch.cat([d, d], dim=1)",
        f"unit/{NTK}/test_kl_ridge.py",
    ),
    "KL: half of the shift is missing": Mutation(
        "training/objectives.py",
        "shift.square() / variance0",
        "shift.square() / (2 * variance0)",
        "unit/training/test_objectives.py",
    ),
    "ELBO: the variance term without its half": Mutation(
        "training/elbo.py", ".mean(dim=1) / 2", ".mean(dim=1)", "unit/training/test_elbo.py"
    ),
    "Wishart: units over outputs for outputs over units": Mutation(
        "kernels/wishart.py",
        "1 - ratio * weights * y",
        "1 - weights * y / ratio",
        "unit/kernels/test_wishart.py",
    ),
    "IWAE: log K is left out": Mutation(
        "bounds/bound.py",
        "Values(count - torch.logsumexp",
        "Values(-torch.logsumexp",
        "unit/bounds",
    ),
    "MIG: not over the entropy": Mutation(
        "metrics/mig.py", "sample)) / entropy)", "sample)))", "unit/metrics/test_mig.py"
    ),
    "exponents: of the width, not of its logarithm": Mutation(
        "statistics/slopes.py", "np.log(widths), *", "widths, *", "unit/statistics/test_slopes.py"
    ),
    "intervals: one seed too many": Mutation(
        "statistics/intervals.py", "std(ddof=1)", "std(ddof=0)", "unit/statistics/test_intervals.py"
    ),
    "extremes: each row by itself": Mutation(
        "claims/readings.py",
        "(values).simultaneous(comparisons)",
        "(values)",
        "unit/claims/test_verdicts.py",
    ),
    "verdicts: what straddles an edge is reproduced": Mutation(
        "claims/verdicts.py",
        "lower <= low and high <= upper",
        "low <= upper and high >= lower",
        "unit/claims/test_verdicts.py",
    ),
    "premises: one that fails is passed by": Mutation(
        "claims/verdicts.py",
        "if any(failed):",
        "if all(failed) and not failed:",
        "unit/claims/test_verdicts.py",
    ),
}


@pytest.mark.parametrize("error", MUTATIONS)
def test_a_deliberate_error_is_seen(
    error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutation = MUTATIONS[error]
    copy = tmp_path / "src"
    shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    module = copy / "vaentk" / mutation.module
    text = module.read_text(encoding="utf-8")
    assert text.count(mutation.right) == 1, f"{mutation.module} has changed"
    module.write_text(text.replace(mutation.right, mutation.wrong), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, "-p", "no:xdist", str(ROOT / "tests" / mutation.tests)],
        env=os.environ | {"PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert result.returncode == 1, f"not seen by {mutation.tests}: {result.stdout[-2000:]}"
    with capsys.disabled():
        print(f"\n  {error}: {failed[0].partition(' - ')[0].rpartition('::')[2]}")
