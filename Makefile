PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# Links to all packages, named as their imports name them: type checker and docs do not know setup.cfg's `package_dir`.
TYPES = build/types
define LINK
rm -rf $(TYPES) && mkdir -p $(TYPES)/leukemia_tf
ln -s "$(CURDIR)"/leukemia_tf/* "$(CURDIR)/models" "$(CURDIR)/tuning" "$(CURDIR)/explain" $(TYPES)/leukemia_tf
endef

.PHONY: demo test lint docs
demo: $(VENV)/installed
	$(BIN)/python -m leukemia_tf.train --base resnet50 --drop-last-block

test: $(VENV)/tested
	$(BIN)/python -m pytest

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(LINK)
	cd $(TYPES) && $(abspath $(BIN))/mypy --config-file "$(CURDIR)/pyproject.toml" --cache-dir ../mypy -p leukemia_tf

# The site: build/site/index.html
docs: $(VENV)/documented
	$(LINK)
	$(BIN)/mkdocs build --quiet --strict

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/documented: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/pip install --quiet --editable '.[test]'
	touch $@
