"""An ensemble of VAEs trained in one job, with checkpoints, progress and TensorBoard."""

import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from vaentk import io
from vaentk.board import Board
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
    path = folder / "ensemble.safetensors"
    # A generator's state is its device's own, and a stand-in's file may give way to real images.
    known = [job.device, job.params, images.facts.text(), len(images)]
    fingerprint = json.dumps(known)
    state = _resumed(path, fingerprint, job.device) or initial_state(model, members, job.device)
    bar = tqdm(
        total=recipe.steps,
        initial=state.step,
        desc=f"latent {model.latent_dim}, {len(members)} members",
        unit="step",
        file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 20,
        leave=False,
    )
    board = Board(job.log_file.with_suffix(""), model, images, members, recipe, state)
    saved = time.monotonic()

    def tick(state: State) -> None:
        nonlocal saved
        bar.update(state.step - bar.n)
        board.show(state)
        if time.monotonic() - saved >= job.params["checkpoint_seconds"]:
            arrays = {name: tensor.cpu().numpy() for name, tensor in state.tensors.items()}
            note = {"step": state.step, "records": state.records, "fingerprint": fingerprint}
            io.write_arrays(arrays, path, json.dumps(note))
            saved = time.monotonic()

    try:
        return train(model, images, members, recipe, state, tick, job.threads)
    finally:
        bar.close()
        board.close()


def forget(folder: Path) -> None:
    """Delete the checkpoint of a job, once its results are saved."""
    shutil.rmtree(folder, ignore_errors=True)


def _resumed(path: Path, fingerprint: str, device: str) -> State | None:
    """The state of a checkpoint of the same settings and code, if there is one."""
    if not path.exists():
        return None
    note = json.loads(io.read_note(path))
    if note["fingerprint"] != fingerprint:
        log.info("the checkpoint belongs to other settings; starting afresh")
        return None
    log.info("resuming after step %d", note["step"])
    tensors = {name: tensor.clone() for name, tensor in io.map_tensors(path).items()}
    tensors |= {name: t.to(device) for name, t in tensors.items() if name != "generators"}
    return State(note["step"], tensors, note["records"])
