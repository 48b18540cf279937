# Common commands. `just` without arguments lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# Serve on 127.0.0.1:8000 with SQLite in ./data and the development provider
run *arguments:
    cargo run -- {{ arguments }}

# Check format and lints, as required before a commit
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# Run the whole test suite with the servers that it needs; `just test --embedded` needs none
test *arguments:
    ./scripts/test {{ arguments }}

# Run everything that the CI runs
ci:
    bash .ci/run

# Licences, advisories, unused dependencies, workflows: before a release
release-check:
    scripts/release-check

# Format the code
fmt:
    cargo fmt --all

# Export the GraphQL schema; a test compares the committed file with it
schema:
    cargo run --quiet -- schema > schema.graphql

# Regenerate .env.example from the table of settings
env-example:
    COUNTERSIGN_WRITE=1 cargo test --quiet --package countersign --test it settings::

# Open the API documentation; its first page describes the modules and layers
doc:
    cargo doc --no-deps --open

# Validate the files of deploy/ with their own tools
deploy-check:
    deploy/check

# Check the configuration and connectivity
doctor:
    cargo run --quiet -- doctor
