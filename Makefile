# Everything runs in .venv, made on first use and brought up to date when a requirement changes.
# Needs Python 3.11 to 3.14 and make. To choose the interpreter yourself: make lab PYTHON=/path/to/python

VENV := .venv
LOCK := constraints.txt
PY := $(VENV)/bin/python
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
TORCH := $(shell sed -n 's/^torch==//p' requirements.txt)
CPU_INDEX := https://download.pytorch.org/whl/cpu
# Strict: every stored output is compared, but for cells tagged nbval-ignore-output. What passes passes --nbval-lax too.
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout 120
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help lab test notebooks handout lint bench lock

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

lab: $(VENV)/.learner ## Open the course in JupyterLab (Ctrl-C ends it)
	@exec $(PY) tools/lab.py

test: $(VENV)/.developer ## Run every test: package, notebooks, browser
	@$(PY) -m pytest -n 2 --dist loadscope --max-worker-restart 0 $(NBVAL) notebooks tests tms_edu

notebooks: $(VENV)/.developer ## Run and normalise the notebooks, or one: make notebooks NB=notebooks/03_….ipynb
	@$(PY) tools/notebooks.py $(NB)

handout: $(VENV)/.developer ## Write copies of the notebooks without solutions, for a graded class
	@$(PY) tools/handout.py

lint: $(VENV)/.developer ## Check style and format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

bench: $(VENV)/.developer ## Run the benchmarks behind each claim of speed (minutes)
	@for file in $$(grep -l __main__ benchmarks/*.py); do echo "== $$file"; $(PY) $$file || exit 1; done

# Use the oldest Python 3.11 at hand (Debian 12 has 3.11.2), or the lock may name what only a newer one can install.
lock: ## Write constraints.txt anew from the newest versions that the requirements allow
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(MAKE) --no-print-directory VENV="$$fresh" LOCK=/dev/null "$$fresh/.developer" && \
	{ echo "# Exact versions that passed the tests. Written by: make lock"; \
	  "$$fresh/bin/python" -m pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.txt

$(VENV)/pyvenv.cfg:
	@for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || continue; \
	  echo "Setting up $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv --clear $(VENV) && exit 0; \
	  rm -rf $(VENV); \
	  echo "Python could not make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"; \
	  exit 1; \
	done; \
	echo "No fit Python among: $(PYTHONS). Install Python 3.11, 3.12, 3.13 or 3.14 (https://www.python.org/downloads/)," \
	  "or name one: make PYTHON=/path/to/python"; \
	exit 1

# On Linux PyPI's torch brings gigabytes of CUDA. Where pip knows of no CPU wheel by itself, torch alone is
# looked up on the CPU index too; everything else comes from the usual places.
$(VENV)/.learner: requirements.txt $(LOCK) pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing what the notebooks need (the first time this takes some minutes)"
	@index=; \
	if [ "$$(uname)" = Linux ] && ! $(PY) -m pip index versions torch 2>/dev/null | grep -qF '$(TORCH)+cpu'; then \
	  index='--extra-index-url $(CPU_INDEX)'; \
	fi; \
	$(PY) -m pip install -q --no-deps $$index torch==$(TORCH)
	@$(PY) -m pip install -q -c $(LOCK) -r requirements.txt
	@$(PY) -m pip install -q --no-deps -e .
	@touch $@

$(VENV)/.developer: requirements-dev.txt $(VENV)/.learner
	@echo "Installing what the tests need"
	@$(PY) -m pip install -q -c $(LOCK) -r requirements-dev.txt
	@touch $@
