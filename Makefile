# Two commands are all a reader needs: `make book` and `make test`. Each sets itself up.
PYTHON ?= python3
VENV   := .venv/bin
PYTEST := $(VENV)/python -m pytest
# Bytecode goes to the build folder, also where the environment forbids it: each kernel would compile torch again.
export PYTHONPYCACHEPREFIX := $(CURDIR)/_build/pycache
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup book pdf teaching test lint format lab serve experiments check-results bench soak lock clean

help:   ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup:  ## the virtual environment, the locked packages, a browser (TORCH=cpu: torch without CUDA)
	@$(PYTHON) tools/setup.py $(if $(TORCH),--torch $(TORCH))

book: setup  ## run every notebook, then build the pages
	@$(VENV)/python tools/build.py

pdf: book  ## the book as a PDF and as a zip, linked from its front page
	@$(VENV)/python tools/pdf.py

teaching: setup  ## the question bank (Moodle, QTI, JSON; DRILLS=50 SEED=7) and sheets of drills: _build/teaching
	@$(VENV)/python tools/teaching.py --drills $(or $(DRILLS),20) --seed $(or $(SEED),0)

test: book  ## every test and example, and each page in Chromium
	$(PYTEST) -n auto --junitxml=_build/tests.xml
	@echo "all tests passed; the pages that were checked: _build/html/index.html"

lint: setup  ## style, types, notebooks without outputs
	$(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy
	$(VENV)/python -m nbstripout --verify --keep-id notebooks/*.ipynb

format: setup  ## put the code in the house style
	$(VENV)/ruff check --fix . && $(VENV)/ruff format .
	$(VENV)/python -m nbstripout --keep-id notebooks/*.ipynb
	$(VENV)/python tools/install_cell.py

lab: book  ## open the notebooks in JupyterLab, numbers in their sentences; what you change there is kept
	@$(VENV)/python tools/lab.py

serve:  ## read the built book at http://127.0.0.1:8000
	$(PYTHON) -m http.server --bind 127.0.0.1 --directory _build/html 8000

experiments: setup  ## run again all that is recorded and missing (hours; stops and goes on as you like)
	$(VENV)/python -m study sweep

check-results: setup  ## train one recorded run again and compare (RUN=mnist/s2-valid/0; by the date if left out)
	$(VENV)/python -m study check $(RUN)

bench: book  ## measure speed, as ratios side by side
	@set -e; for each in speed epochs memory explorers page_load training; do $(VENV)/python bench/$$each.py; done

soak: setup  ## look for what breaks, for as long as you like (MINUTES=60; 5 if left out)
	$(VENV)/python tools/soak.py --minutes $(or $(MINUTES),5)

lock: setup  ## renew requirements.lock from requirements.txt
	$(VENV)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	    --upgrade requirements.txt -o requirements.lock

clean:  ## remove what was built; the environment stays
	rm -rf _build
