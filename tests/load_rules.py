"""Load the workflow of a tree, run in it, as Snakemake does; print every rule as JSON."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings

with redirect_stdout(sys.stderr), SnakemakeApi(OutputSettings()) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path(path) for path in sys.argv[1:]]),
        snakefile=Path("Snakefile"),
    )._workflow
    rules = {
        rule.name: {
            "code": rule.params.get("code"),
            "functions": rule.params.get("functions"),
            "log": [str(path) for path in rule.log],
            "outputs": [str(path) for path in rule.output],
            "script": rule.script,
            "local": rule.name in workflow._localrules,
            "resources": sorted(rule.resources),
        }
        for rule in workflow.rules
    }
print(json.dumps(rules))
