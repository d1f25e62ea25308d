# vaentk needs git, make and Python 3.11 or newer. Each target first makes .venv what it has to be.
#
#   PYTHON=/path/to/python   the interpreter to build a new .venv on (default: one found on PATH)
#   CORES=2                  how many cores `make report` may use (default: all, or a container's quota)
#   VERBOSE=1                all that Snakemake says, in place of one line per job
#   ARGS="..."               handed to what the target runs: make report ARGS="--configfile config/paper.yaml"

PYTHON ?=
CORES ?= $(shell sh envs/cores.sh)
ARGS ?=
VERBOSE ?=

# What a shell has set for another Python must not leak into ours; without bytecode every job compiles torch anew.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_CONSTRAINT PIP_REQUIREMENT PIP_REQUIRE_VIRTUALENV PIP_NO_DEPS PIP_NO_BINARY
unexport UV_CONSTRAINT UV_OVERRIDE UV_EXCLUDE UV_EXCLUDE_NEWER UV_NO_BINARY UV_NO_BUILD UV_PYTHON UV_SYSTEM_PYTHON
unexport UV_PROJECT_ENVIRONMENT UV_PRERELEASE UV_RESOLUTION UV_TORCH_BACKEND UV_TARGET UV_PREFIX UV_CONFIG_FILE
export PYTHONNOUSERSITE := 1

# Snakemake, uv and matplotlib keep caches below the home folder; where nobody may write there, below the clone.
ifneq ($(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"; mkdir -p "$$cache" 2>/dev/null && [ -w "$$cache" ] && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
export MPLCONFIGDIR := $(CURDIR)/.snakemake/cache/matplotlib
endif

# Snakemake puts the path into a shell's command as it is.
ifneq ($(words $(CURDIR)),1)
$(error vaentk: the path "$(CURDIR)" has a space, which Snakemake does not quote: move the clone to a path without one)
endif

INSTALLED := .venv/installed
ACTIVATE := . .venv/bin/activate

.DEFAULT_GOAL := help
.PHONY: help report plan compare reference test test-all docs sbom lint bench gpu-check peers clean unlock lock FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

report: $(INSTALLED) ## run the default configuration, to results/report/index.html
	@$(ACTIVATE) && start=$$(date +%s) \
	  && echo "vaentk: running the workflow (about 8 minutes on two cores the first time, seconds when nothing changed)" \
	  && { ! python -m vaentk.commands.killed || snakemake --quiet --unlock $(ARGS); } \
	  && snakemake $(if $(VERBOSE),,--logger vaentk) --cores $(CORES) $(ARGS) \
	  && echo "vaentk: done in $$(($$(date +%s) - start)) s" \
	  && { [ ! -f results/report/index.html ] || python -m vaentk.commands.closing; }

plan: $(INSTALLED) ## what would run, with hours and memory, before anything does; on a known GPU: CARD=h200
	@$(ACTIVATE) && python -m vaentk.commands.plan $(if $(CARD),--card=$(CARD)) $(ARGS)

compare: $(INSTALLED) ## what differs between two runs, and as a page: make compare A=results B=elsewhere/results
	@$(ACTIVATE) && python -m vaentk.commands.compare "$(A)" "$(B)"

reference: $(INSTALLED) ## keep what is small of a run to commit it: make reference NAME=mine TITLE="My run"
	@$(ACTIVATE) && python -m vaentk.commands.reference "$(NAME)" --title "$(TITLE)" $(ARGS)

test: $(INSTALLED) ## run the tests: library, theory, workflow, page
	@$(ACTIVATE) && echo "vaentk: running the tests (some ten minutes on two cores)" \
	  && python -m pytest --numprocesses auto $(ARGS) tests/unit tests/theory tests/workflow tests/browser

test-all: test ## and the image in a container, SLURM, and deliberate errors: as root on Debian, 27 GB
	@$(ACTIVATE) && echo "vaentk: building the image, starting SLURM, and making errors that tests must see" \
	  && python -m pytest --numprocesses auto $(ARGS) tests/container tests/cluster tests/mutations

docs: $(INSTALLED) ## build the documentation as a site, with the reference run's report, to results/site
	@$(ACTIVATE) && NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict
	@cp -R results/reference/quick results/site/reference

sbom: $(INSTALLED) ## write sbom.cdx.json, the bill of materials (CycloneDX) of what a run is made of
	@$(ACTIVATE) && python envs/packages.py bill > sbom.new && mv sbom.new sbom.cdx.json

lint: $(INSTALLED) ## ruff, mypy, import contracts, snakefmt, snakemake --lint, known faults of locked packages
	@$(ACTIVATE) && ruff check .
	@$(ACTIVATE) && ruff format --check .
	@$(ACTIVATE) && mypy workflow/src/vaentk
	@$(ACTIVATE) && lint-imports --no-cache --no-logo
	@$(ACTIVATE) && snakefmt --check Snakefile workflow/rules
	@$(ACTIVATE) && snakemake --lint
	@$(ACTIVATE) && python envs/packages.py audit

bench: $(INSTALLED) ## time our code against what it has to beat, to results/bench/bench.csv
	@$(ACTIVATE) && VAENTK_BENCH_PEERS=$${VAENTK_BENCH_PEERS-$(wildcard $(CURDIR)/.venv-peers/bin/python)} \
	  python workflow/bench/bench.py $(ARGS)

gpu-check: $(INSTALLED) ## check a GPU in eight minutes, to results/bench/gpu.json; without one: ARGS="--device cpu --small"
	@$(ACTIVATE) && python workflow/bench/gpu_check.py $(ARGS)

peers: $(INSTALLED) ## install neural-tangents and pythae for `make bench`, in .venv-peers (Python 3.11, 8 GB)
	@$(ACTIVATE) && uv venv --quiet --python 3.11 .venv-peers \
	  && uv pip sync --quiet --require-hashes --python .venv-peers envs/bench-peers.lock

clean: ## remove results (reference runs, .venv and downloaded data stay)
	[ ! -d results ] || find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +

unlock: $(INSTALLED) ## free the folder after a run was killed
	@$(ACTIVATE) && snakemake --unlock $(ARGS)

COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal --generate-hashes \
  --python-version 3.11 --fork-strategy fewest

lock: $(INSTALLED) ## compile envs/*.in to envs/*.lock (newer versions: ARGS=--upgrade)
	@$(ACTIVATE) && $(COMPILE) $(ARGS) envs/requirements.in -o envs/requirements.lock
	@$(ACTIVATE) && $(COMPILE) $(ARGS) --constraint envs/requirements.lock envs/installer.in -o envs/installer.lock
	@$(ACTIVATE) && $(COMPILE) $(ARGS) --constraint envs/requirements.lock envs/checks.in -o envs/checks.lock
	@$(ACTIVATE) && $(COMPILE) $(ARGS) envs/bench-peers.in -o envs/bench-peers.lock
	@$(ACTIVATE) && sum=$$(python -c 'import hashlib as h; print(h.sha256(open("envs/requirements.lock", "rb").read()).hexdigest())') \
	  && sed "s/lock sha256: .*/lock sha256: $$sum/" envs/rule.post-deploy.sh > envs/rule.new && mv envs/rule.new envs/rule.post-deploy.sh

# A .venv whose Python is gone, or that was moved with its clone, is made anew.
ifneq ($(shell test -x .venv/bin/python && grep -sF " $(CURDIR)/.venv" .venv/pyvenv.cfg >/dev/null && echo usable),usable)
$(INSTALLED): FORCE
endif

$(INSTALLED): envs/install.sh envs/installer.lock envs/checks.lock pyproject.toml
	@PYTHON='$(PYTHON)' sh envs/install.sh
