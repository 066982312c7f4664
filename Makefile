# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every target installs what it needs, and may be run again at once.

# Only Debian's own programs and .venv: a version manager's shims would be found first otherwise.
export PATH := $(CURDIR)/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Everything runs the collection installed from its artefact, never the checkout's own files.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/installed
# Molecule keeps its state here. In the user's home, two clones with the same folder name would collide.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PYTHONPATH := $(CURDIR)/tests
export PYTHONDONTWRITEBYTECODE := 1

# `make coverage` and `make test` name a folder for the measurements.
unit: MEASURED = $(if $(COVERAGE_DATA),-m coverage run --rcfile=tests/covered/plugins.ini)

PYTEST = PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH):$(PYTHONPATH) python3 $(MEASURED) -m pytest -q -p tools.pytest_results -o cache_dir=.cache/pytest

.PHONY: help
help: ## print this help
	@printf 'make TARGET, where TARGET is one of\n\n'
	@sed -n 's/^\([a-z-]*\):[^#]*## /  \1\t/p' Makefile | expand -t 16

.PHONY: demo
demo: installed ## watch a director fail over: boot the lab, deploy with the role, run the experiment; KEEP=1 leaves the machines
	@PYTHONPATH=$(ANSIBLE_COLLECTIONS_PATH):$(PYTHONPATH) python3 -m experiment.demo

.PHONY: test
test: installed ## run all tests that fit into 40 minutes, and print the sum
	@python3 -m tools.run_tests

.PHONY: test-all
test-all: installed ## the same, with the scenarios that take too long for `make test`
	@python3 -m tools.run_tests --all

.PHONY: lint
lint: installed ## run every linter, and `make sanity`
	@python3 -m tools.lint; status=$$?; python3 -m tools.sanity && exit $$status

.PHONY: sanity
sanity: bootstrap ## run ansible-test sanity
	@python3 -m tools.sanity

.PHONY: unit
unit: installed ## run the unit tests, of the installed collection and of tests/ itself; TESTS='FILE...' picks some
	@$(PYTEST) --ignore tests/kmod_tests --ignore tests/site_tests $(or $(TESTS),tests)

.PHONY: kmod
kmod: bootstrap ## build and check the kernel module for the kernels of Debian 12 and 13, and test the checks
	@python3 -m kmod check; status=$$?; $(PYTEST) tests/kmod_tests && exit $$status

.PHONY: kmod-matrix
kmod-matrix: bootstrap ## the same for every kernel that Debian serves
	@python3 -m kmod matrix

.PHONY: scenarios
scenarios: installed ## run the molecule scenarios; SCENARIOS='NAME...' picks some, DEBIAN=12 or 13 picks the Debian where all machines have the same
	@python3 -m tools.scenarios $(SCENARIOS)

.PHONY: coverage
coverage: installed ## list the lines and branches of plugins/ that neither the unit tests nor the scenario `modules` run
	@python3 -m covered

.PHONY: matrix
matrix: installed ## run the collection's tests and one scenario with each supported ansible-core; VERSIONS='2.20...' picks some
	@python3 -m controllers $(VERSIONS)

.PHONY: docs
docs: installed ## build the docs site in build/docs, and look at it in a browser without a window (which it installs, 300 MB)
	@tests/tools/bootstrap.sh tests/packages-docs.txt
	@python3 -m tools.docs && $(PYTEST) tests/site_tests

.PHONY: bench
bench: installed ## measure the speed against ipvsadm, keepalived and plain tasks; CASES='NAME...' picks some
	@python3 -m bench $(if $(PROFILE),--profile $(PROFILE)) $(CASES)

.PHONY: release
release: installed ## prepare or build a release: make release VERSION=x.y.z
	@python3 -m tools.release $(VERSION)

.PHONY: bootstrap
bootstrap: ## install what the other targets need: Debian packages and .venv
	@mkdir -p .cache && flock --timeout 1800 --conflict-exit-code 75 .cache/bootstrap.lock tests/tools/bootstrap.sh || { \
		[ $$? != 75 ] || echo 'bootstrap: another process has been at it for half an hour, and holds .cache/bootstrap.lock'; exit 1; }

.PHONY: installed
installed: bootstrap ## build the artefact and install it in .cache/installed, if a shipped file changed
	@python3 -m tools.artefact

.PHONY: clean
clean: ## remove what was made in this clone (but not the lab's images, which clones share)
	rm -rf .cache .venv build
