# The usual commands by their usual names. `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

[private]
default:
    @just --list --unsorted

# Serve on 127.0.0.1:8000 with SQLite in ./data and the development provider
run *arguments:
    cargo run -- {{ arguments }}

# What has to be clean before a commit: format and lints
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# The whole suite, with the servers that it needs; `just test --embedded` without any
test *arguments:
    ./scripts/test {{ arguments }}

# What the continuous integration runs
ci:
    bash .ci/run

# Licences, advisories, unused dependencies, workflows: before a release
release-check:
    scripts/release-check

# Format everything
fmt:
    cargo fmt --all

# Export the GraphQL schema; a test compares the committed file with it
schema:
    cargo run --quiet -- schema > schema.graphql

# Write .env.example anew from the table of settings
env-example:
    COUNTERSIGN_WRITE=1 cargo test --quiet --package countersign --test it settings::

# The documentation of the library, with the map of the house on its first page
doc:
    cargo doc --no-deps --open

# Have the files of deploy/ read by the tools that they are for
deploy-check:
    deploy/check

# Judge the configuration and what it reaches
doctor:
    cargo run --quiet -- doctor
