# Needs: every saved result, reference runs where there are any. Makes: results/report/index.html, one page that works
# from a file, and summary.html, one sheet of paper.


# A second: less than a cluster needs to start a job.
rule report:
    input:
        template=local("workflow/report/index.html.j2"),
        summary=local("workflow/report/summary.html.j2"),
        style=local("workflow/report/style.css"),
        behaviour=local("workflow/report/page.js"),
        text=local("workflow/report/page.yaml"),
        words=all_words(),
        equations=local("config/equations.yaml"),
        datasets=local("config/datasets.csv"),
        claims="results/claims/claims.csv",
        assumptions="results/claims/assumptions.csv",
        remarks="results/claims/remarks.csv",
        facts="results/measure/data/facts.csv",
        figures=all_figures(),
        tables=all_tables(),
        provenance=all_provenance(),
        reference=reference_claims(),
        about=reference_about(),
    output:
        **recorded(
            page=captioned("results/report/index.html", "Report", "report"),
            summary=captioned("results/report/summary.html", "Report", "summary"),
        ),
    log:
        "results/logs/report/index.log",
    localrule: True
    conda:
        "../../envs/rule.yaml"
    params:
        settings=settings_of_results(),
        image_sets=IMAGE_SETS,
        images=all_images_taken(),
        jobs=all_jobs(),
        code=CODE.digest("report.py"),
    script:
        "../scripts/report.py"
