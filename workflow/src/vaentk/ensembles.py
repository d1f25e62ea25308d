"""An ensemble of VAEs trained in one job, with checkpoints, progress and TensorBoard."""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from tensorboard.summary import Writer
from tqdm import tqdm

from vaentk import io
from vaentk.data.image_set import ImageSet
from vaentk.job import Job, log
from vaentk.models.conv_vae import ConvVAE
from vaentk.training.minibatch import Member, Recipe, State, initial_state, train


def train_ensemble(
    model: ConvVAE,
    images: ImageSet,
    members: Sequence[Member],
    recipe: Recipe,
    job: Job,
    folder: Path,
) -> State:
    """Train all members, from their checkpoint if there is one.

    Parameters
    ----------
    model, images, members, recipe
        As for `vaentk.training.minibatch.train`; the images on the job's device.
    job : Job
        Gives the device, the log and the parameters.
    folder : Path
        Where the checkpoint lives until `forget` is called; not a declared result.
    """
    path, fingerprint = folder / "ensemble.safetensors", json.dumps(job.params)
    state = _resumed(path, fingerprint, job.device) or initial_state(model, members, job.device)
    writer = Writer(str(job.log_file.with_suffix("")))
    bar = tqdm(
        total=recipe.steps,
        initial=state.step,
        desc=f"latent {model.latent_dim}, {len(members)} members",
        unit="step",
        file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 20,
        leave=False,
    )
    tick = _Tick(path, fingerprint, job.params["checkpoint_seconds"], bar, writer, state)
    try:
        return train(model, images, members, recipe, state, tick)
    finally:
        bar.close()
        writer.close()


def forget(folder: Path) -> None:
    """Delete the checkpoint of a job, once its results are saved."""
    shutil.rmtree(folder, ignore_errors=True)


class _Tick:
    """Called after every update: progress, TensorBoard scalars, a checkpoint now and then."""

    def __init__(
        self,
        path: Path,
        fingerprint: str,
        every_seconds: float,
        bar: "tqdm[Never]",
        writer: Writer,
        state: State,
    ) -> None:
        self.path, self.fingerprint, self.every_seconds = path, fingerprint, every_seconds
        self.bar, self.writer = bar, writer
        self.written = len(state.records)  # records that TensorBoard has
        self.saved = time.monotonic()

    def __call__(self, state: State) -> None:
        self.bar.update()
        for record in state.records[self.written :]:
            member = f"seed-{record['seed']}-beta-{record['beta']:g}"
            for name in ("loss", "reconstruction", "kl"):
                self.writer.add_scalar(f"{name}/{member}", record[name], int(record["step"]))
        self.written = len(state.records)
        if time.monotonic() - self.saved >= self.every_seconds:
            arrays = {name: tensor.detach().cpu().numpy() for name, tensor in state.tensors.items()}
            note = {"step": state.step, "records": state.records, "fingerprint": self.fingerprint}
            io.write_arrays(arrays, self.path, json.dumps(note))
            self.saved = time.monotonic()


def _resumed(path: Path, fingerprint: str, device: str) -> State | None:
    """The state of a checkpoint of the same settings and code, if there is one."""
    if not path.exists():
        return None
    note = json.loads(io.read_note(path))
    if note["fingerprint"] != fingerprint:
        log.info("the checkpoint belongs to other settings; starting afresh")
        return None
    log.info("resuming after step %d", note["step"])
    tensors = {name: t.clone().to(device) for name, t in io.map_tensors(path).items()}
    return State(note["step"], tensors, note["records"])
