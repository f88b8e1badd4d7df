# `make test` is what CI runs: formatting, lints, docs, the dependency rules, what reading may cost, every Rust test, and outside
# clients.

.PHONY: test fmt lint doc tree gates unit outside bench

test: fmt lint doc tree gates unit outside

fmt:
	cargo fmt --all --check
	for workspace in bench bench/live fuzz; do (cd $$workspace && cargo fmt --all --check) || exit 1; done

lint:
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# `schema` stays pure, and what a Lambda carries stays light.
tree:
	! cargo tree --locked -p schema -e normal --prefix none | grep -E '^(tokio|hyper|aws-)'
	! cargo tree --locked -p crawler -e normal --prefix none | grep -E '^(clap|rusqlite|axum|local) '
	! cargo tree --locked -p lambda -e normal --prefix none | grep -E '^(clap|rusqlite|axum|local) '

# Allocations and instructions of the reader, counted; needs valgrind.
gates:
	bench/gates.sh

unit:
	INSTA_UPDATE=no cargo test --locked --workspace

# boto3, AWS CLI, awswrangler and dynalite, installed into .tools/, against the binary.
outside:
	cargo build --locked
	GLUE_DDB_CRAWLER_BIN=$(CURDIR)/target/debug/glue-ddb-crawler e2e/run.sh

bench:
	cd bench && cargo run --release --locked
