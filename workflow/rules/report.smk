# Needs: every saved result. Makes: results/report/index.html, one page that works from a file.


# A second: less than a cluster needs to start a job.
localrules:
    report,


rule report:
    input:
        template=local("workflow/report/index.html.j2"),
        style=local("workflow/report/style.css"),
        sections=local("workflow/report/sections.yaml"),
        datasets=local("config/datasets.csv"),
        claims="results/claims/claims.csv",
        assumptions="results/claims/assumptions.csv",
        remarks="results/claims/remarks.csv",
        facts="results/measure/data/facts.csv",
        figures=all_figures(),
        tables=all_tables(),
        provenance=all_provenance(),
    output:
        **recorded(page=captioned("results/report/index.html", "Report", "report")),
    log:
        "results/logs/report/index.log",
    benchmark:
        "results/benchmarks/report/index.tsv"
    conda:
        "../../envs/rule.yaml"
    params:
        settings=CONFIG.model_dump(mode="json"),
        image_sets=IMAGE_SETS,
        jobs=all_jobs(),
        code=code("report.py"),
    script:
        "../scripts/report.py"
