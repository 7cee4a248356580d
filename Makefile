# Eyespot. `make demo` and `make test` do all set-up themselves, and are quick the second time.
#   make demo [SOURCE=rtsp://… | /dev/video0 | FILE] [ARGS="--for 40 --json"]
.PHONY: demo test check bench clean setup setup-dev models web lock reference arm64 deb oci
.DEFAULT_GOAL := demo
EYESPOT := .venv/bin/eyespot
# Node from its PyPI wheel, where scripts/web had to put it there.
export PATH := $(PATH):$(CURDIR)/.cache/node/bin

demo: setup web models
	@scripts/demo "$(SOURCE)" $(ARGS)

test: setup-dev web models
	@scripts/test

check: setup-dev
	@scripts/check

bench: setup-dev models
	@for name in record track pipeline camera scale infer share schedule frames isp; do $(EYESPOT) bench $$name --json || exit 1; done

setup:
	@scripts/setup edge

setup-dev:
	@scripts/setup dev

web: setup
	@scripts/web build

models: setup
	@scripts/need npm npm
	@clip=$$(scripts/sample-clip || true); $(EYESPOT) models build

lock:
	@scripts/lock

clean:
	rm -rf .venv .cache build dist web/node_modules web/dist src/eyespot/edge/api/web .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

reference: setup
	@.venv/bin/python -m eyespot.cli.reference > docs/guide/reference.md
	@.venv/bin/python -m eyespot.cli.bus_reference > docs/guide/bus.md

# Debian 12 arm64 under emulation: the same detections as here? As root; about 15 minutes the first time.
arm64: setup web models
	@scripts/arm64 $(ARGS)

# Debian packages for both architectures, in dist/.
deb: setup web models
	@scripts/deb $(ARGS)

# Images of services on Debian's base, for both architectures, made and run. As root; minutes the first time.
oci: setup-dev
	@scripts/need buildah buildah
	@scripts/need debootstrap debootstrap
	@[ "$$(uname -m)" = aarch64 ] || scripts/arm64-qemu "$${EYESPOT_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/eyespot}/arm64/qemu" >/dev/null
	@.venv/bin/pytest -q -m debian tests/e2e/test_images_debian.py
