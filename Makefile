# Every target does the set-up it needs, in .venv. `make` alone says what there is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
WHEELS := build/gpu-wheels/.venv
MODEL := build/model
GPU_MODEL ?= build/gpu-model
CHECKED := engine export benchmarks tests examples

.DEFAULT_GOAL := help
.PHONY: help install demo serve test test-gpu-wheels gpu-check soak lint proto bench bench-index bench-peers clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1@\2/' | column -t -s@

install: $(INSTALLED)  ## Bertine and all it needs, in .venv

$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (the first time: two to four minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[collaborative,cpu,export,model,native,parquet]' --group dev
	@touch $@

# The same graph on every machine: `auto` measures, and two near-equal ones change places by chance.
$(MODEL)/manifest.json: $(INSTALLED) $(wildcard export/bertine_export/*.py)
	@mkdir -p build
	@$(BIN)/bertine export all-MiniLM-L6-v2 --out $(MODEL) --fusion on --force
	@touch $@

demo: $(MODEL)/manifest.json  ## the main job: export, import 450 books, search, recommend, measure
	@$(BIN)/python examples/books/demo.py $(MODEL)

serve: $(MODEL)/manifest.json  ## a server on 127.0.0.1:50051, its data in build/data
	@$(BIN)/bertine serve --model $(MODEL) --data build/data --metrics-listen 127.0.0.1:9090

test: lint $(MODEL)/manifest.json  ## lint, types, floors and all tests
	@BERTINE_TEST_ARTIFACT=$(abspath $(MODEL)) $(BIN)/pytest

# Without what needs torch (the exporter, benchmarks of peers, parity with it): these packages serve.
$(WHEELS)/.installed: pyproject.toml constraints.txt constraints-gpu.txt
	@test -x $(WHEELS)/bin/python || $(PYTHON) -m venv $(WHEELS)
	@$(WHEELS)/bin/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(WHEELS)/bin/pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --constraint constraints-gpu.txt \
		--editable '.[collaborative,gpu,native,parquet]' --group test
	@touch $@

test-gpu-wheels: $(WHEELS)/.installed $(MODEL)/manifest.json  ## the GPU packages, installed where no GPU is: 5 GB, 15 minutes
	@BERTINE_TEST_ARTIFACT=$(abspath $(MODEL)) $(WHEELS)/bin/python -m pytest \
		--ignore tests/export --ignore tests/benchmarks --ignore tests/quality/test_parity.py \
		-k 'not sentence_transformers'

# The exporter and the GPU packages live in two environments: each needs another ONNX Runtime.
build/gpu-model/manifest.json: $(INSTALLED) $(wildcard export/bertine_export/*.py)
	@mkdir -p build
	@$(BIN)/bertine export all-MiniLM-L6-v2 --out build/gpu-model --force \
		--variants fp32,fp16,fp16-packed,int8-qdq
	@touch $@

gpu-check: $(INSTALLED)  ## on a machine with a GPU: correctness, then timings, eight minutes
	@$(BIN)/python -m benchmarks.gpu_check.present
	@$(MAKE) --no-print-directory $(WHEELS)/.installed $(GPU_MODEL)/manifest.json
	@$(WHEELS)/bin/python -m benchmarks.gpu_check --model $(GPU_MODEL) --page build/gpu-check.html

soak: $(MODEL)/manifest.json  ## a hundred kills of a server at work, twenty minutes
	@BERTINE_TEST_ARTIFACT=$(abspath $(MODEL)) $(BIN)/pytest -s tests/soak/kills.py

lint: $(INSTALLED)  ## ruff, mypy --strict, the floors
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/ruff format --check --quiet $(CHECKED)
	@$(BIN)/mypy $(CHECKED)
	@$(BIN)/lint-imports | tail -n 14

proto: $(INSTALLED)  ## the generated stubs
	@$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=engine --pyi_out=engine \
		--grpc_python_out=engine proto/bertine/v1/*.proto
	@$(BIN)/python -m grpc_tools.protoc -Ibenchmarks/load/proto --python_out=benchmarks/load/proto \
		--pyi_out=benchmarks/load/proto benchmarks/load/proto/open_inference.proto

bench: $(MODEL)/manifest.json  ## speed and quality of the main path, about ten minutes
	@$(BIN)/python -m benchmarks.main_path --model $(MODEL)

bench-index: $(MODEL)/manifest.json  ## the live index beside FAISS, hnswlib and usearch
	@$(BIN)/python -m benchmarks.index.install
	@$(BIN)/python -m benchmarks.index --model $(MODEL)

bench-peers: $(MODEL)/manifest.json  ## beside other encoders and servers, about twenty minutes
	@$(BIN)/python -m benchmarks.peers.install
	@$(BIN)/python -m benchmarks.peers --model $(MODEL)

clean:  ## everything that was made here
	rm -rf $(VENV) build
