# Short names for common meson commands. `make demo` and `make test` each work as the first command on a fresh Debian 12.
#   BUILD         the build folder
#   MESON_FLAGS   options of `meson setup`; a change configures the build folder again
#   TEST          names of tests for `make test` and `make test-arm64`, separated by blanks; empty: all. `make tests` lists them
.POSIX:
.PHONY: all deps build demo test test-arm64 tests bench bench-avx2 bench-optimizers bench-training bench-memory reference fmt lint sanitize hooks install clean
BUILD ?= build
MESON_FLAGS ?= --buildtype=release
TEST ?=

all: build

deps:
	@sh scripts/deps.sh

build: deps
	@sh scripts/configure.sh $(BUILD) $(MESON_FLAGS)
	@ninja -C $(BUILD)

# Fetches the data, trains, measures the accuracy on the test part, and asks the trained network two questions.
demo: build
	@sh examples/sentiment/demo.sh $(BUILD)

test: build
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs $(TEST)
	@sh scripts/closing_line.sh $(BUILD)

# The tests of a build for arm64, under qemu, in build-arm64; says what is missing if they cannot run here.
test-arm64:
	@sh scripts/arm64/test.sh build-arm64 $(TEST) || [ $$? -eq 77 ]

tests: build
	@meson test -C $(BUILD) --no-rebuild --list

bench: build
	@python3 bench/bench.py $(BUILD)

# The same with AVX2 only, on processors that have AVX-512 too.
bench-avx2:
	@[ -d $(BUILD)-avx2 ] || meson setup $(BUILD)-avx2 . --buildtype=release -Davx512=false
	@ninja -C $(BUILD)-avx2
	@python3 bench/bench.py $(BUILD)-avx2 --avx2

bench-optimizers: build
	@python3 bench/optimizers.py $(BUILD)

bench-training: build
	@python3 bench/training.py $(BUILD)

bench-memory: build
	@python3 bench/memory.py $(BUILD)

# Generates docs/reference and the JSON Schema from the descriptors. The test `reference` fails if they are out of date.
reference: build
	@$(BUILD)/rondo list --reference docs/reference

fmt:
	@sh scripts/sources.sh | xargs clang-format -i

lint: build
	@sh scripts/lint.sh $(BUILD)

sanitize: deps
	@sh scripts/sanitize.sh

# Makes git run scripts/pre-commit.sh before each commit of this clone.
hooks:
	@sh scripts/install_hooks.sh

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) build-*
