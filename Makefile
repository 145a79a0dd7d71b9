# Everyday work. Every target is one command of scripts/ or swift; read it there.

SWIFT ?= swift

.PHONY: help build release test integration check fmt bench soak images run vm install

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

build: ## debug build of everything
	$(SWIFT) build

release: ## release build of everything
	$(SWIFT) build -c release

install: ## what `make release` built, below /usr (root; PREFIX, DESTDIR, DROP_IN=1)
	scripts/install $(if $(DROP_IN),--drop-in)

test: ## unit tests (no root, no network)
	scripts/test --unit

integration: build ## integration, conformance and fault tests in their short form (root)
	scripts/test --integration

check: ## formatting, and every test in its short form: what has to pass before a change lands
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests/Unit Package.swift
	scripts/test

fmt: ## format all Swift code
	$(SWIFT) format --in-place --recursive --parallel Sources Tests/Unit Package.swift

bench: release ## Skiff and the installed peers side by side (root)
	Benchmarks/run
	Benchmarks/run images
	Benchmarks/run registry

soak: build ## the long forms of the integration and fault tests (root, an hour and more)
	SKIFF_SOAK=1 scripts/test --integration --timeout 7200

images: ## the test images, from Debian packages (root)
	scripts/make-images

run: ## from a clone to a web server in a container (root)
	scripts/quickstart

vm: build ## tests under cgroup v2, AppArmor and systemd, in a guest (root)
	scripts/vm-tests
