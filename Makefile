# Type `make help`. Every goal sets up what it needs by itself, with only make and Python 3.11 or newer.

PYTHON ?= python3
PORT ?= 8000
UV := $(shell command -v uv 2>/dev/null)
VENV := .venv
# Scripts are run through their interpreter: then a moved folder still works.
RUN := $(VENV)/bin/python
OLDEST := .venv-oldest

# The goals share environments and one _build folder.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help book test lab notebooks lint serve test-oldest test-peers frameworks test-wheel \
	mutants bench bench-quick pins clean

help: ## list the goals
	@sed -nE 's/^([a-z-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{ printf "make %-11s %s\n", $$1, $$2 }'

book: $(VENV)/.done ## run every chapter and build the pages
	@rm -rf _build/html # a page that left the book must not stay
	@$(RUN) $(VENV)/bin/jupyter-book build . --all --warningiserror --nitpick --keep-going
	@echo "The book: _build/html/index.html"

test: $(VENV)/.done ## test the package, its examples, the chapters and the built pages
	@$(RUN) -m pytest --junitxml=_build/tests.xml

lab: $(VENV)/.done-lab ## open the chapters in JupyterLab
	@PYTHONPATH="$(CURDIR)" $(RUN) -m jupyterlab --notebook-dir=book

notebooks: $(VENV)/.done ## number the results, run the chapters and store their outputs
	@$(RUN) -m tools.results
	@$(RUN) -m tools.notebooks

lint: $(VENV)/.done-dev ## check format, style and types
	@$(RUN) -m ruff format --check
	@$(RUN) -m ruff check
	@$(RUN) -m basedpyright

serve: book ## build the pages and show them on this machine
	@echo "Open http://127.0.0.1:$(PORT)/ and stop with Ctrl-C"
	@$(RUN) -m http.server --directory _build/html --bind 127.0.0.1 $(PORT)

test-oldest: $(OLDEST)/.done ## test all but the book with the lowest versions of what the package needs
	@$(OLDEST)/bin/python -m pytest tests deconv_tutorial benchmarks --ignore=tests/test_pages.py \
		--junitxml=_build/oldest.xml

test-peers: $(VENV)/.done-peers ## compare with PyTorch (a large download)
	@$(RUN) -m pytest tests/peers --junitxml=_build/peers.xml

frameworks: $(VENV)/.done-bench ## try the checker on the peers and write what it finds
	@$(RUN) -m tools.frameworks --write

test-wheel: $(VENV)/.done ## build the wheel and try it in an empty environment
	@$(RUN) -m tools.check_wheel

mutants: $(VENV)/.done ## change the package in many small ways and see that tests notice
	@$(RUN) -m tools.mutants

bench: $(VENV)/.done-bench ## measure the engines beside their peers, in 20 minutes
	@$(RUN) -m benchmarks

bench-quick: $(VENV)/.done-bench ## measure less and store nothing, in 2 minutes
	@$(RUN) -m benchmarks --quick

pins: ## write constraints.txt anew (needs uv)
	@grep -hvE '^(#|-)' $(filter-out requirements-oldest.txt,$(wildcard requirements*.txt)) | \
		UV_BUILD_CONSTRAINT=constraints.txt $(or $(UV),uv) pip compile --quiet --universal \
		--python-version 3.11 --no-header --no-annotate --upgrade --output-file constraints.txt -
	@echo "The pins: constraints.txt"

clean: ## remove what was built, but not .venv and .venv-oldest
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@echo "Removed: _build and the caches"

# A bar that appears only on a slow machine would change what is stored.
book notebooks test: export TQDM_DISABLE := 1

# A stamp is written after the whole installation, so one that was cut off is done again.
$(VENV)/.done: requirements.txt constraints.txt
$(VENV)/.done-dev: requirements-dev.txt $(VENV)/.done
$(VENV)/.done-lab: requirements-lab.txt $(VENV)/.done
$(VENV)/.done-peers: requirements-peers.txt $(VENV)/.done
$(VENV)/.done-bench: requirements-bench.txt $(VENV)/.done
# What is only there as source is built with the pinned setuptools, too.
$(VENV)/.done-bench: export PIP_CONSTRAINT := constraints.txt
$(VENV)/.done-bench: export PIP_BUILD_CONSTRAINT := constraints.txt
$(VENV)/.done-bench: export UV_BUILD_CONSTRAINT := constraints.txt
# The same pins, but for the packages that have their own there.
$(OLDEST)/constraints.txt: requirements-oldest.txt constraints.txt
	@mkdir -p $(@D)
	@sed -n 's/==.*/==/p' $< | grep -vFf - constraints.txt > $@
$(OLDEST)/.done: requirements-oldest.txt $(OLDEST)/constraints.txt
$(OLDEST)/.done: PINS := --constraint $(OLDEST)/constraints.txt
$(VENV)/.done $(VENV)/.done-dev $(VENV)/.done-lab $(VENV)/.done-peers $(VENV)/.done-bench $(OLDEST)/.done:
ifdef UV
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(@D)
	@$(UV) pip install --quiet --python $(@D)/bin/python $(PINS) --requirement $<
else
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check $(PINS) --requirement $<
endif
	@touch $@
