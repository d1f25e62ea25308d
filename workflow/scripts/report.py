"""Rule report: put every saved result into one page, and the main ones into a summary."""

import json
from pathlib import Path

from vaentk import report
from vaentk.data.table import read_table
from vaentk.runtime import io, job

with job.running(snakemake) as task:
    sidecars = {
        job.declared_name(path).removesuffix(".json"): json.loads(io.read_text(path))
        for path in task.files["provenance"]
    }
    drawn = {
        path.stem: (io.read_text(path), sidecars[job.declared_name(path)]["alt"])
        for path in task.files["figures"]
    }
    sheets = {name: drawn.pop(f"images_{name}") for name in task.params["image_sets"]}
    sources = report.sources(
        io.read_table(task.inputs["facts"]), read_table(task.inputs["datasets"]), sheets
    )
    references = [
        report.read_reference(
            about.parent.name, io.read_text(about), io.read_table(claims, as_text=True)
        )
        for about, claims in zip(
            task.files.get("about", []), task.files.get("reference", []), strict=True
        )
    ]
    words = {path.parent.name: io.read_text(path) for path in task.files["words"]}
    data = report.gather(
        report.read_page_text(io.read_text(task.inputs["text"]), words),
        config=task.params["settings"],
        claims=io.read_table(task.inputs["claims"], as_text=True),
        assumptions=io.read_table(task.inputs["assumptions"], as_text=True),
        remarks=io.read_table(task.inputs["remarks"], as_text=True),
        figures=drawn,
        tables={path.stem: io.read_table(path) for path in task.files.get("tables", [])},
        images=task.params["images"],
        sources=sources,
        run_times=report.read_run_times(Path("results/benchmarks"), task.params["jobs"]),
        sidecars=sidecars,
        references=references,
        commit=job.commit(),
    )
    style, script = (io.read_text(task.inputs[name]) for name in ("style", "behaviour"))
    for template, page in (("template", "page"), ("summary", "summary")):
        text = report.render(io.read_text(task.inputs[template]), style, script, data)
        io.write_text(text, task.outputs[page])
