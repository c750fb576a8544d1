# A thin front for CMake, ctest and apt; docs/architecture.md says what stands behind each target.
PREFIX ?= /usr/local
DAMLUA = build/release/damlua

.PHONY: build deps demo check check-all bench docs install package clean

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
	for b in peers work lists scaling observe startup projection; do $(DAMLUA) bench/$$b.lua || exit 1; done

docs: build
	cmake --build --preset release --target documentation

install: build
	cmake --install build/release --prefix $(PREFIX)

package: build
	cd build/release && cpack -G DEB

clean:
	rm -rf build
