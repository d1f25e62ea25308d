"""Rule report: put every saved result into one page."""

import json

from vaentk import io, job, report
from vaentk.data.table import read_table

with job.running(snakemake) as task:
    sidecars = {
        str(path).removesuffix(".json"): json.loads(io.read_text(path))
        for path in task.files["provenance"]
    }
    images = task.inputs["images"]
    row = next(row for row in read_table(task.inputs["datasets"]) if row.name == "mnist")
    described = sidecars[str(images)]
    source = report.Source(
        name="mnist",
        label=described["data"],
        images=described["images"],
        pixels=described["pixels"],
        licence=row.licence,
        citation=row.citation,
        checksum=io.checksum(images),
    )
    data = report.gather(
        report.read_sections(io.read_text(task.inputs["sections"])),
        config=task.params["settings"],
        claims=io.read_table(task.inputs["claims"], as_text=True),
        assumptions=io.read_table(task.inputs["assumptions"], as_text=True),
        remarks=io.read_table(task.inputs["remarks"], as_text=True),
        figures={
            path.stem: (io.read_text(path), sidecars[str(path)]["alt"])
            for path in task.files.get("figures", [])
        },
        tables={path.stem: io.read_table(path) for path in task.files.get("tables", [])},
        sources=[source],
        benchmarks=job.run_times(task.params["jobs"]),
        sidecars=sidecars,
        commit=job.commit(),
    )
    template, style = (io.read_text(task.inputs[name]) for name in ("template", "style"))
    io.write_text(report.render(template, style, data), task.outputs["page"])
