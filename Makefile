# A thin front to meson. `make demo` and `make test` each work as the first command on a fresh Debian 12.
.POSIX:
.PHONY: all deps build demo test bench bench-optimizers reference fmt lint sanitize install clean
BUILD ?= build
MESON_FLAGS ?= --buildtype=release

all: build

deps:
	@sh scripts/deps.sh

build: deps
	@sh scripts/configure.sh $(BUILD) $(MESON_FLAGS)
	@ninja -C $(BUILD)

# Data, training, accuracy on the test part, and two questions to the trained network.
demo: build
	@sh examples/sentiment/demo.sh $(BUILD)

test: build
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs
	@sh scripts/closing_line.sh $(BUILD)

bench: build
	@python3 bench/bench.py $(BUILD)

bench-optimizers: build
	@python3 bench/optimizers.py $(BUILD)

# docs/reference and the schema, from descriptors; a test compares them.
reference: build
	@$(BUILD)/rondo list --reference docs/reference

fmt:
	@sh scripts/sources.sh | xargs clang-format -i

lint: build
	@sh scripts/lint.sh $(BUILD)

sanitize: deps
	@sh scripts/sanitize.sh

install: build
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) build-*
