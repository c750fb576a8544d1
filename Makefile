# A thin front for CMake, ctest and apt; docs/architecture.md says what stands behind each target.
PREFIX ?= /usr/local
DAMLUA = build/release/damlua

.PHONY: build deps demo check check-all bench install clean

build:
	cmake --preset release
	cmake --build --preset release

deps:
	cmake/deps.sh

demo: deps
	$(MAKE) build
	$(DAMLUA) scripts/quickstart.lua
	$(DAMLUA) scripts/map_lse.lua --quick
	$(DAMLUA) scripts/map_lsr.lua --quick
	@echo "Figures and tables are in out/:" && ls out

check: deps
	tests/run

check-all: deps
	tests/run --long

bench: build
	cmake --build --preset release --target bench_kernels
	build/release/bench_kernels
	for script in $(filter-out bench/gpu.lua,$(wildcard bench/*.lua)); do $(DAMLUA) "$$script" || exit 1; done

install: build
	cmake --install build/release --prefix $(PREFIX)

clean:
	rm -rf build
