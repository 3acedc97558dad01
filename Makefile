# `make demo` and `make test` each do everything from a fresh clone; see README.md.
# The newest that runs: pyenv, for one, leaves commands behind that are found and only say where they could be had.
PYTHON ?= $(or $(shell for python in python3.13 python3.12 python3; do \
	$$python -c '' >/dev/null 2>&1 && echo $$python && break; done),python3)
VENV := .venv
RUN := $(VENV)/bin/python
WORKDIR ?= runs/demo

.PHONY: help setup demo test test-slow test-keras test-optimized test-cluster test-page fuzz lint benchmarks clean

help:
	@echo "make setup         virtual environment in $(VENV), with requirements.txt and those of the page"
	@echo "make demo          Table 1 and the shipped denoiser on the bundled photographs, into $(WORKDIR)"
	@echo "make test          the tests but for those of the next lines, on two cores: five minutes"
	@echo "make test-slow     those that start processes, train whole tables or compile for long: eight minutes"
	@echo "make test-keras    the Inception networks against Keras itself: three minutes"
	@echo "make test-optimized  the tests of numbers, compiled as a user's programs are: two minutes"
	@echo "make test-cluster  sweeps and runs of several processes on a real Slurm (packages slurm-wlm, munge); 10 minutes"
	@echo "make test-page     the page in the browser, in Chromium (package chromium); 5 minutes"
	@echo "make fuzz          ten minutes of broken picture files (atheris, Linux)"
	@echo "make lint          ruff, the linter and formatter"
	@echo "make benchmarks    every speed ratio in docs/speed.md (takes about an hour)"

setup: $(VENV)/.ready
$(VENV)/.ready: requirements.txt requirements-page.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "colorjax needs Python 3.11 or later; try make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements-page.txt
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	$(RUN) -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

$(VENV)/.ready-page: $(VENV)/.ready-dev
	$(RUN) -m pip install --quiet "playwright>=1.50,<2"
	@touch $@

# PyTorch has an environment of its own: nothing else may come to depend on it.
$(VENV)-benchmarks/.ready: requirements.txt requirements-benchmarks.txt
	$(PYTHON) -m venv $(VENV)-benchmarks
	$(VENV)-benchmarks/bin/python -m pip install --quiet --requirement requirements-benchmarks.txt
	@touch $@

demo: setup
	$(RUN) launch.py table --config=experiments/table1.py:smoke --workdir=$(WORKDIR)
	$(RUN) launch.py table --config=experiments/shipped_denoisers.py:smoke --workdir=$(WORKDIR)-denoising

# By file, so that what the tests of a file share is made once; in the order of tests/conftest.py, the heaviest first.
PYTEST := $(RUN) -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder
test: $(VENV)/.ready-dev
	$(PYTEST) -m "not process and not slow and not keras"

test-slow: $(VENV)/.ready-dev
	$(PYTEST) -m "process or slow"

# Keras itself, in place of what tests/support/keras_inception.npz and keras_inception_v3.npz keep of it.
test-keras: $(VENV)/.ready-dev
	$(RUN) -m pytest -m keras

# The tests of numbers, with the optimizations that a user's programs have and the tests otherwise do without.
test-optimized: $(VENV)/.ready-dev
	OPTIMIZED=1 $(PYTEST) tests/test_golden.py tests/test_metrics.py tests/test_color.py tests/test_gray.py \
		tests/test_losses.py tests/test_right_numbers.py

# Skips, and says so in red, where Slurm isn't installed or can't start. One after the other: they share one node.
test-cluster: $(VENV)/.ready-dev
	$(RUN) -m pytest tests/cluster

# Skips, and says so in red, where Chromium is missing. axe-core, which looks for barriers, comes from npm if there is one.
AXE := .cache/page/node_modules/axe-core/axe.min.js
test-page: $(VENV)/.ready-page
	@test -e $(AXE) || ! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix .cache/page axe-core@4
	$(RUN) -m pytest tests/page

# Ten minutes of broken picture files, from a small one of every kind; a crash leaves its file in $(CORPUS).
CORPUS ?= .cache/fuzz
fuzz: $(VENV)/.ready-dev
	$(RUN) -m pip install --quiet --requirement requirements-fuzz.txt
	$(RUN) tests/fuzz/pictures.py $(CORPUS) -max_total_time=600 -timeout=60 -rss_limit_mb=4096 -artifact_prefix=$(CORPUS)/

lint: $(VENV)/.ready-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

benchmarks: $(VENV)-benchmarks/.ready
	set -e; for file in benchmarks/*.py; do echo "== $$file"; PYTHONPATH=. $(VENV)-benchmarks/bin/python $$file; done

clean:
	rm -rf $(VENV) $(VENV)-benchmarks runs
