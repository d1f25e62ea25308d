"""Rule report: put every saved result into one page, and the main ones into a summary."""

from pathlib import Path

from vaentk.data.table import read_table
from vaentk.report.captions import read_page_text
from vaentk.report.contents import ReportData
from vaentk.report.datasets import sources
from vaentk.report.equations import read_equations
from vaentk.report.figure import Figure
from vaentk.report.page import render
from vaentk.report.reference import read_reference
from vaentk.report.run_times import run_times
from vaentk.runtime import io, job, records

with job.running(snakemake) as task:
    sidecars = {
        job.declared_name(path).removesuffix(records.ENDING): records.read(path)
        for path in task.files["provenance"]
    }
    figures = {
        path.stem: Figure(io.read_text(path), sidecars[job.declared_name(path)]["alt"])
        for path in task.files["figures"]
    }
    sheets = {name: figures.pop(f"images_{name}") for name in task.params["image_sets"]}
    facts, datasets = io.read_table(task.inputs["facts"]), read_table(task.inputs["datasets"])
    abouts, claims = (task.files.get(name, []) for name in ("about", "reference"))
    references = [
        read_reference(about.parent.name, io.read_text(about), io.read_table(path, as_text=True))
        for about, path in zip(abouts, claims, strict=True)
    ]
    words = {path.parent.name: io.read_text(path) for path in task.files["words"]}
    left = {name: Path(f"results/benchmarks/{name}.json") for name in task.params["jobs"]}
    took = {name: records.read(path) for name, path in left.items() if path.exists()}
    texts = ("claims", "assumptions", "remarks")
    data = ReportData(
        text=read_page_text(io.read_text(task.inputs["text"]), words),
        config=task.params["settings"],
        **{name: io.read_table(task.inputs[name], as_text=True) for name in texts},
        figures=figures,
        tables={path.stem: io.read_table(path) for path in task.files.get("tables", [])},
        images=task.params["images"],
        sources=sources(facts, datasets, sheets),
        run_times=run_times(took),
        sidecars=sidecars,
        references=references,
        commit=job.commit(),
        equations=read_equations(io.read_text(task.inputs["equations"])),
        rooms={path.parent.name: job.declared_name(path.parent) for path in task.files["words"]},
    )
    style, script = (io.read_text(task.inputs[name]) for name in ("style", "behaviour"))
    for template, page in (("template", "page"), ("summary", "summary")):
        text = render(io.read_text(task.inputs[template]), style, script, data)
        io.write_text(text, task.outputs[page])
