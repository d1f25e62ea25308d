# Needs: results/measure. Makes: results/claims, a verdict on every statement, what was assumed, remarks.


# A second: less than a cluster needs to start a job.
rule claims:
    input:
        claims=local("config/claims.yaml"),
        assumptions=local("config/assumptions.yaml"),
        remarks=local("config/remarks.yaml"),
        measures=all_measures(),
    output:
        **recorded(
            claims=captioned("results/claims/claims.csv", "Claims", "claims"),
            assumptions=captioned("results/claims/assumptions.csv", "Claims", "assumptions"),
            remarks=captioned("results/claims/remarks.csv", "Claims", "remarks"),
        ),
    log:
        "results/logs/claims/claims.log",
    localrule: True
    conda:
        "../../envs/rule.yaml"
    params:
        configuration=CONFIG.name,
        settings=settings_of_results(),
        code=CODE.digest("claims.py"),
    script:
        "../scripts/claims.py"
