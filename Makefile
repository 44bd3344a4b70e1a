PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet
# Three processes for two cores: browsers and servers are waited for.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
# No browser, no server, no training, nothing built.
QUICK := --ignore tests/browser --ignore tests/training -m "not slow"

.PHONY: setup app test test-quick check docs lint requirements screenshots

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "xraycore needs Python 3.11, 3.12 or 3.13; $(PYTHON) is none. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.ready requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@# A test compares with quantus. It wants opencv-python, which would overwrite the headless one.
	$(PIP) --no-deps quantus==0.6.0
	@touch $@

app: setup
	$(BIN)/streamlit run serve.py

test: check
	$(PYTEST) --durations 30

test-quick: $(VENV)/.dev
	$(PYTEST) $(QUICK)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The site, into docs/_build. A warning is an error; nothing is fetched.
docs: $(VENV)/.dev
	rm -rf docs/api docs/_build
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m sphinx -W --keep-going -q docs docs/_build
	@echo docs/_build/index.html

lint: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pinned environments, of pyproject.toml: for Linux and macOS, Python 3.11 to 3.13.
requirements: $(VENV)/.dev
	$(BIN)/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make requirements" \
	  --extra app --extra compare pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile $(UPGRADE) --quiet --universal --python-version 3.11 --no-annotate \
	  --custom-compile-command "make requirements" \
	  --group dev -c requirements.txt -o requirements-dev.txt

screenshots: $(VENV)/.dev
	$(BIN)/python -m tools.screenshots docs/images
