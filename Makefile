# SPDX-License-Identifier: BSD-3-Clause
# A thin front for people: Meson and Ninja do the work. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
TEST_FUZZ_SECONDS ?= 60
MESON ?= meson
export DESTDIR FUZZ_SECONDS

RELEASE := build
ASAN := build-asan
COVERAGE := build-coverage
PGO := build-pgo
# clang's link-time optimisation needs its own linker
ifneq ($(findstring clang,$(CC)),)
export CC_LD ?= lld
endif

# One that gcc made has no fuzz targets.
asan_fuzzes = @grep -q '^build fuzzers:' $(ASAN)/build.ninja || { \
	echo "$(ASAN) was set up without fuzz targets; please run: make clean" >&2; exit 1; }

SOURCES = $(shell git ls-files '*.c' '*.h')

.PHONY: all
all: $(RELEASE)/build.ninja ## build the library and the examples (release, in build/)
	@ninja -C $(RELEASE) products

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install what is missing from Debian, once
	@tools/deps.sh build

.PHONY: demo
demo: deps ## real HTTP clients of the Linux kernel against our servers: a table of figures
	@$(MAKE) -s --no-print-directory $(RELEASE)/build.ninja
	@ninja -C $(RELEASE) $(addprefix examples/, kernel_http http_copy http_zc)
	@tools/demo

.PHONY: test
test: ## every test, in release and under ASan+UBSan, and short fuzzing; ends with "N passed, N failed"
	@tools/deps.sh build fuzz
	@$(MAKE) -s --no-print-directory $(RELEASE)/build.ninja
	@ninja -C $(RELEASE)
	@tools/run-tests --release $(RELEASE) --asan $(ASAN) --fuzz $(TEST_FUZZ_SECONDS)

.PHONY: asan
asan: $(ASAN)/build.ninja ## build with clang, AddressSanitizer and UndefinedBehaviorSanitizer, for fuzzing too
	$(asan_fuzzes)
	@ninja -C $(ASAN)

.PHONY: bench
bench: ## measure; see bench/README.md
	@tools/deps.sh build bench
	@$(MAKE) -s --no-print-directory all
	@ninja -C $(RELEASE) bench/core
	@bench/run

.PHONY: bench-quick
bench-quick: deps ## the same in a minute: a few cases
	@$(MAKE) -s --no-print-directory all
	@ninja -C $(RELEASE) bench/core
	@bench/run --quick

.PHONY: pgo
pgo: ## build with gcc by a profile, a tenth fewer instructions, in build-pgo; then: make install RELEASE=build-pgo
	@tools/deps.sh build
	@tools/pgo $(PGO)

.PHONY: docs
docs: ## the API reference: build/docs/html, and pages of man
	@tools/deps.sh build docs
	@$(MAKE) -s --no-print-directory $(RELEASE)/build.ninja
	@$(MESON) configure $(RELEASE) -Ddocs=enabled
	@ninja -C $(RELEASE) docs/html
	@echo "docs: $(RELEASE)/docs/html/index.html"

.PHONY: lint
lint: $(RELEASE)/build.ninja ## formatting, static analysis, layering
	@tools/deps.sh build lint
	@tools/lint $(RELEASE) $(SOURCES)

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZ_SECONDS (60) each
	@tools/deps.sh build fuzz
	@$(MAKE) -s --no-print-directory $(ASAN)/build.ninja
	$(asan_fuzzes)
	@ninja -C $(ASAN) fuzzers
	@tools/run-fuzz $(ASAN)

.PHONY: coverage
coverage: ## lines of the stack that its tests execute: by file, at least 90 % in all
	@tools/deps.sh build coverage
	@$(MAKE) -s --no-print-directory $(COVERAGE)/build.ninja
	@ninja -C $(COVERAGE)
	@tools/run-tests --coverage $(COVERAGE)

.PHONY: install
install: all ## into PREFIX (/usr/local), below DESTDIR
	@$(MESON) configure $(RELEASE) -Dprefix=$(abspath $(PREFIX))
	@ninja -C $(RELEASE) products
	@$(MESON) install -C $(RELEASE) --no-rebuild --quiet
	@[ -n "$(DESTDIR)" ] || /sbin/ldconfig || echo "install: not root: the loader does not know the library yet" >&2

.PHONY: uninstall
uninstall: ## remove what was installed last, wherever that was
	@[ -e $(RELEASE)/meson-logs/install-log.txt ] || { echo "uninstall: nothing was installed from here" >&2; exit 1; }
	@ninja -C $(RELEASE) uninstall

.PHONY: clean
clean: ## remove what was built
	rm -rf $(RELEASE) $(ASAN) $(COVERAGE) $(PGO)

$(RELEASE)/build.ninja:
	@$(MESON) setup $(RELEASE) --prefix=$(abspath $(PREFIX))

$(ASAN)/build.ninja:
	@CC=clang CC_LD= $(MESON) setup $(ASAN) --buildtype=debugoptimized -Db_lto=false \
		-Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true

$(COVERAGE)/build.ninja:
	@$(MESON) setup $(COVERAGE) --buildtype=debugoptimized -Db_lto=false -Db_coverage=true
