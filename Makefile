# `make test` is what CI runs: formatting, lints, docs, the dependency rules, what reading may cost, every Rust test, and outside
# clients. Two targets at a time: much of it is waiting, for downloads, for schedules of emulators, for throttled calls.
MAKEFLAGS += --jobs=2 --output-sync=target
# Its job server is not for cargo, whose tests would look for it in vain.
unexport MAKEFLAGS MFLAGS

.PHONY: test fmt lint side doc tree gates build unit tools bundle outside readers torture soak bench release-check

test: fmt tree bundle unit lint side gates doc outside

fmt:
	cargo fmt --all --check
	for workspace in bench bench/live fuzz; do (cd $$workspace && cargo fmt --all --check) || exit 1; done

lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

# The workspaces that nothing else here builds: what uses the crates has to go on with them.
side:
	for workspace in bench/live fuzz; do (cd $$workspace && CARGO_TARGET_DIR=$(CURDIR)/target/side cargo check --locked) || exit 1; done

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# `schema` stays pure, `input` knows no network, what a Lambda carries stays light, what tests share is in no binary, and no two
# modules need each other but a parent and its children.
tree:
	python3 tools/circles.py --test
	python3 tools/circles.py
	! cargo tree --locked -p schema -e normal --prefix none | grep -E '^(tokio|hyper|aws-)'
	! cargo tree --locked -p input -e normal --prefix none | grep -E '^(tokio|hyper|aws-|(clap|rusqlite|axum|crawl|local|sync) )'
	! cargo tree --locked -p crawl -e normal --prefix none | grep -E '^(clap|rusqlite|axum|local|sync) '
	! cargo tree --locked -p sync -e normal --prefix none | grep -E '^(clap|rusqlite|axum|local) '
	! cargo tree --locked -p lambda -e normal --prefix none | grep -E '^(clap|rusqlite|axum|local) '
	! cargo tree --locked -p local -e normal --prefix none | grep -E '^(clap|sync) '
	! cargo tree --locked -p cli -p lambda -e normal --prefix none | grep -E '^testkit '

# Allocations and instructions of the reader, counted; needs valgrind.
gates:
	bench/gates.sh

# The tests and the binary are built once, with the same features: `cargo build` would build most dependencies again, without
# those that only tests ask for.
build:
	cargo test --locked --workspace --no-run

unit: build
	INSTA_UPDATE=no cargo test --locked --workspace

# boto3, AWS CLI, awswrangler, dynalite, SAM and MiniStack, installed into .tools/.
tools:
	e2e/install.sh

# What `sam build` makes of the application; most of its time is spent where a second core is idle.
bundle: tools
	SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/.tools/sam/bin:$$PATH" \
	  sam build --build-dir .tools/bundle --parameter-overrides Architecture=x86_64

outside: build bundle
	GLUE_DDB_CRAWLER_BIN=$(CURDIR)/target/debug/glue-ddb-crawler GLUE_DDB_CRAWLER_BUNDLE=$(CURDIR)/.tools/bundle e2e/run.sh

# Hive's and Spark's own parsers, and DataHub, on what is published; 620 MB of them, and a JVM, so not in `make test`.
readers: build
	e2e/install.sh engines
	GLUE_DDB_CRAWLER_BIN=$(CURDIR)/target/debug/glue-ddb-crawler e2e/run.sh e2e/check_readers.py

# Kills, full disks, few descriptors, hostile files and peers: ten minutes, `SCALE=5` for the thousand kills of the record.
torture: build tools
	.tools/e2e/python/bin/python e2e/torture/run.py --binary target/debug/glue-ddb-crawler --scale $(or $(SCALE),1) $(ARGUMENTS)

# Half an hour of 64 clients: memory and descriptors have to be flat.
soak: build tools
	.tools/e2e/python/bin/python e2e/torture/soak.py --binary target/debug/glue-ddb-crawler $(ARGUMENTS)

bench:
	cd bench && cargo run --release --locked

# What a release has for this machine, built and checked as people would use it; the workflow calls the same scripts.
release-check:
	release/build.sh
	release/check.sh
