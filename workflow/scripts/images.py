"""Rules of data sets: their images, and what is known of each."""

from vaentk.data import download
from vaentk.data.facts import Facts
from vaentk.data.stored import Blocks
from vaentk.runtime import job

with job.running(snakemake) as task:
    # Plain, as the configuration was checked: a new key of it makes no images again.
    data = snakemake.config.get("data", {})

    def fetch(dataset, files=None):
        """Bring files from the cache or a mirror; which, and how, is no part of the result."""
        table = task.inputs["table"]
        offline = data.get("offline", False)
        return download.fetch_set(dataset, table, data.get("cache"), offline, files)

    name, source = task.params["name"], task.params["source"]
    made = task.functions["images"](name=name, source=source, fetch=fetch, threads=task.threads)
    task.save({"images": made})
    count = made.shape[0] if isinstance(made, Blocks) else len(made.arrays["images"])
    facts = Facts.of(made.note)
    task.describe(task.outputs["images"], data=facts.data, images=count, official=facts.official)
