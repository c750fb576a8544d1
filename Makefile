# A thin front for CMake, ctest and apt; docs/architecture.md says what stands behind each target.
PREFIX ?= /usr/local
DAMLUA = build/release/damlua

.PHONY: build deps demo check check-all bench bench-all docs install package clean

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

# What matters most, in minutes; everything, at length.
bench: build
	cmake --build --preset release --target bench_kernels
	build/release/bench_kernels
	for b in "peers.lua 0.3 2" work.lua scaling.lua "projection.lua 500 0.5"; do \
	  $(DAMLUA) bench/$$b || exit 1; done

bench-all: bench
	for b in peers.lua lists.lua "lists.lua 2000 measure" observe.lua startup.lua \
	  "projection.lua 500 3 2"; do $(DAMLUA) bench/$$b || exit 1; done

docs: build
	cmake --build --preset release --target documentation

install: build
	cmake --install build/release --prefix $(PREFIX)

package: build
	cd build/release && cpack -G DEB

clean:
	rm -rf build
