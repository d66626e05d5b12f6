# Thin on purpose: each target is a script or a CMake preset that can be run by itself.
.PHONY: all build asan demo test unit faults soak lint bench image fuzz clean

all: build

build:
	@scripts/install-packages.sh build
	@scripts/build.sh release

asan:
	@scripts/install-packages.sh build
	@scripts/build.sh asan

# What it does for you, on a real API server on this machine. KEEP=1 leaves it running to play with.
demo: build
	@scripts/install-packages.sh cluster
	@scripts/demo.sh

test:
	@scripts/install-packages.sh build test cluster
	@tests/run.sh

unit:
	@scripts/install-packages.sh build test
	@tests/run.sh unit

# Of make test: five thousand findings at once, each fault between operator and API server, and a storm of all.
faults:
	@scripts/install-packages.sh build test cluster
	@tests/run.sh scale proxy faults storm

# Hours of trouble: STORM_SECONDS=3600 LEADER_KILLS=100 make soak
soak:
	@scripts/install-packages.sh build test cluster
	@STORM_SECONDS=$${STORM_SECONDS:-600} tests/faults/storm.sh
	@LEADER_KILLS=$${LEADER_KILLS:-100} tests/e2e/run.sh tests/e2e/cases/72-leaders.sh

lint:
	@scripts/install-packages.sh build lint cluster
	@scripts/lint.sh

bench:
	@scripts/install-packages.sh build cluster
	@scripts/build.sh release
	@tests/bench/run.sh

image:
	@scripts/install-packages.sh image
	@scripts/image.sh

# SECONDS_EACH=60 make fuzz
fuzz:
	@scripts/install-packages.sh build lint
	@tests/fuzz/run.sh

clean:
	rm -rf build
