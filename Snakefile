# vaentk: the theory and the experiments of over-parameterised variational autoencoders, reproduced.
#
#   snakemake --cores all                                      the default configuration, minutes
#   snakemake --cores all --configfile config/paper.yaml       the papers' full scale
#
# data -> train -> measure -> figures and tables -> claims -> report; a rule file and a folder each.


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/report.smk"


onstart:
    surroundings.remember_run(Path())
    surroundings.stop_on_request()
    print(f"vaentk: {told(CONFIG, DEFAULT, workflow.configfiles)}", file=sys.stderr)
    print(f"vaentk: {at_most(CONFIG, GPU)}", file=sys.stderr)
    progress.begin(all_work(workflow.dag), at_once(workflow.resource_settings))


rule all:
    default_target: True
    input:
        "results/report/index.html",
