# Everything runs from .venv, which each target makes first. Choose its Python with PYTHON=...

.DEFAULT_GOAL := help
.PHONY: .venv demo studio test test-long test-current run-current lint docs bench clean help

# What TensorFlow prints about the machine; its errors come as exceptions.
export TF_CPP_MIN_LOG_LEVEL ?= 3

python := .venv/bin/python
# Written last, so a .venv without it is one whose making was interrupted.
installed := .venv/installed
current := .venv-current/installed
# What differs between the TensorFlows: kernels, layers, networks, steps, checkpoints, measures, exports, pages,
# commands, and runs of the other one.
current_tests := recipes layers networks objectives evaluation serving report studio cli data \
	methods/test_progressive.py training/test_loop.py training/test_objectives.py runs/test_generations.py
# The same for what `make docs` needs besides.
documenting := .venv/documenting

.venv: $(installed)  ## Install everything into .venv (about 2 minutes, once)

demo: $(installed)  ## Teach one small network its first tasks, on drawn images
	@$(python) -m pgtf demo

studio: $(installed)  ## Open a page on which to try the tasks of the demo
	@$(python) -m pgtf studio runs/demo

test: $(installed)  ## Run the tests, except for the long ones
	@$(python) -m pytest -n auto --dist worksteal

test-long: $(installed)  ## Run the long tests: rare cases, in all combinations
	@$(python) -m pytest -n auto --dist worksteal -m long

test-current:  ## Run those tests that concern it on the current TensorFlow, in .venv-current
	@if $(find_python) >/dev/null; then $(MAKE) --no-print-directory run-current; else \
	    echo "No Python 3.12 or 3.13 was found, so nothing is tested on the current TensorFlow."; \
	fi

run-current: $(current)
	@.venv-current/bin/python -m pytest -n auto --dist worksteal -m 'not slow' $(addprefix tests/,$(current_tests))

lint: $(installed)  ## Check style and types; `.venv/bin/ruff format .` mends the former
	@.venv/bin/ruff format --check --quiet . || { .venv/bin/ruff format --diff . ; exit 1; }
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy --no-error-summary

docs: $(documenting)  ## Build the documentation into build/docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict

bench: $(installed)  ## Measure speed, and write BENCH.md (50 minutes on two idle cores)
	@$(python) -m pgtf bench

clean:  ## Remove .venv and all that builds and tests leave; runs/ stays
	@rm -rf .venv .venv-current build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## Show this list
	@printf 'make TARGET [PYTHON=path to a Python 3.9 to 3.13, for a new .venv]\n\n'
	@while IFS= read -r line; do case $$line in \
	    [.a-z]*:*'  ## '*) printf '  %-14s%s\n' "$${line%%:*}" "$${line##*  \#\# }" ;; \
	esac; done < $(firstword $(MAKEFILE_LIST))

# Trying beats looking: a pyenv shim may be there and not run, Debian's Python may lack ensurepip.
oldest = (3, 9)
$(current) test-current run-current: oldest = (3, 12)
usable = import ensurepip, sys, venv; \
	$(oldest) <= sys.version_info < (3, 14) or sys.exit(1); print(sys.executable)
pyenv = "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions
# The Pythons of TensorFlow 2.15, the card's, come first.
find_python = for candidate in "$(PYTHON)" python3.11 python3.10 python3.9 \
	$(pyenv)/3.11.*/bin/python $(pyenv)/3.10.*/bin/python $(pyenv)/3.9.*/bin/python \
	python3.12 python3.13 python3 $(pyenv)/3.12.*/bin/python $(pyenv)/3.13.*/bin/python; \
	do "$$candidate" -c '$(usable)' 2>/dev/null && break; done

constraints = $$($(@D)/bin/python -c 'import sys; \
	print("constraints.txt" if sys.version_info < (3, 12) else "constraints-current.txt")')

$(installed) $(current): setup.cfg pyproject.toml constraints.txt constraints-current.txt
	@if [ -f $@ ]; then rm $@; exit 0; fi; \
	if found=$$($(find_python)); then \
	    echo "Making $(@D) with $$found"; \
	    rm -rf $(@D) && "$$found" -m venv $(@D); \
	elif command -v uv >/dev/null; then \
	    echo "Making $(@D) with uv and its Python 3.11"; \
	    rm -rf $(@D) && uv venv --quiet --python 3.11 --python-preference only-managed --seed $(@D); \
	else \
	    echo "No Python 3.9 to 3.13 that can make a virtual environment was found."; \
	    echo "TensorFlow runs on no other. Do one of these, then call make again:"; \
	    echo "  - install one, with its venv module (on Debian: python3.11 and python3.11-venv);"; \
	    echo "  - install uv, and make lets it fetch Python 3.11;"; \
	    echo "  - name the one you have: make PYTHON=/path/to/python3.11 ..."; \
	    exit 1; \
	fi >&2
	@echo "Installing TensorFlow and the rest into $(@D) (the first time 2 minutes, 2 GB) ..."
	@$(@D)/bin/python -m pip install -q --disable-pip-version-check 'pip>=22'  # older: no editable setup.cfg
	@$(@D)/bin/python -m pip install -q --disable-pip-version-check -c $(constraints) -e '.[test,lint]'
	@touch $@

$(documenting): $(installed)
	@$(python) -m pip install -q --disable-pip-version-check -c $(constraints) -e '.[docs]'
	@touch $@
