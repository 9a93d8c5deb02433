# make demo | test | test-all | lint | docs | clean | help, with Python and make.
#
#   make test ARGS="tests/test_packaging.py -x"     pytest's own arguments
#   make demo PYTHONS=3.12                          another interpreter

VENV := .venv
BIN = $(VENV)/bin
PYTHONS := 3 3.13 3.12 3.11
ARGS :=

# Whatever ~/.keras/keras.json says.
export KERAS_BACKEND := tensorflow
# Less of what TensorFlow says about the processor.
export TF_CPP_MIN_LOG_LEVEL := 3

# Prints the first of $versions that TensorFlow 2.21 has wheels for and that can
# make an environment. A pyenv shim may be on the path and still not run.
SUITABLE := import ensurepip, sys; exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
FIND_PYTHON = for v in $$versions; do \
	for python in python$$v "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$v*/bin/python; do \
	"$$python" -c '$(SUITABLE)' 2>/dev/null && { echo "$$python"; break 2; }; done; done

.PHONY: help demo test test-all lint docs clean

demo: $(VENV)/.installed
	$(BIN)/python examples/quickstart.py

help:
	@echo "make demo       trains an RBM on digits, writes quickstart.png"
	@echo "make test       runs the tests; ARGS=\"tests/units -x\" for some"
	@echo "make test-all   the same on Python 3.11, 3.12 and 3.13, as installed"
	@echo "make lint       ruff, and mypy on genzoo/"
	@echo "make docs       makes the site in site/; needs npm, once"
	@echo "make clean      removes environments and what was built"

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/mypy genzoo

docs: $(VENV)/.documenting
	$(BIN)/python docs/build.py

test-all:
	@tested= failed= missing=; \
	for version in 3.11 3.12 3.13; do \
		versions=$$version; \
		if [ -z "$$($(FIND_PYTHON))" ]; then \
			missing="$$missing $$version"; \
		elif $(MAKE) test VENV=.venv-$$version PYTHONS=$$version; then \
			tested="$$tested $$version"; \
		else \
			failed="$$failed $$version"; \
		fi; \
	done; \
	echo "passed:$${tested:- none}; failed:$${failed:- none};" \
		"not on this machine:$${missing:- none}"; \
	[ -n "$$tested" ] && [ -z "$$failed" ]

clean:
	rm -rf .venv .venv-3.* build dist *.egg-info .pytest_cache .ruff_cache
	rm -rf site docs/_generated docs/.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		versions="$(PYTHONS)"; python=$$($(FIND_PYTHON)) || true; \
		[ -n "$$python" ] || { echo "genzoo needs Python 3.11, 3.12 or 3.13" \
			"with venv (Debian, Ubuntu: apt install python3-venv);" \
			"none of these was found: $(PYTHONS)." >&2; exit 1; }; \
		"$$python" -m venv --clear $(VENV); }
	@echo "Installing genzoo into $(VENV); TensorFlow alone takes 2 GB."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e '.[plot,test,dev]'
	@touch $@

$(VENV)/.documenting: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -e '.[docs]'
	@touch $@
