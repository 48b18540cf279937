# shellcheck shell=bash disable=SC2034,SC2154 # scripts/test sources these files together; they share their names
# The parts of the suite, in order. Sourced by scripts/test.

# Settings of the caller must not reach the tests, which set the servers explicitly.
unset DATABASE_URL REDIS_URL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE
unset COUNTERSIGN_TEST_DATABASE_URL COUNTERSIGN_TEST_REDIS_URL COUNTERSIGN_TEST_REDIS

# Most tests spend most of their time waiting for a database, a time-out or another process.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 2))}

skip=()
cargo_test() { part tests "$1" cargo test --locked --no-fail-fast "${@:2}" -- --show-output "${skip[@]}" "${filter[@]}" || true; }

# Checks that every member of every result union of the schema was returned in some test. The tests record the types that
# they receive in a file, so only a complete run can be checked.
check_union_coverage() {
    [[ ${#filter[@]} == 0 ]] || return 0
    part tests 'Coverage of result unions' env COUNTERSIGN_TEST_SEEN_ALL=1 \
        cargo test --locked --workspace --test it -- union_coverage:: || true
}

build() { part step 'Build the tests' cargo test --locked --workspace --no-run; }

# The unit tests of every crate, the doc tests, and the integration tests on SQLite.
on_sqlite() { cargo_test 'Unit and integration tests on SQLite' --workspace; }

rust_embedded() {
    local smallest line
    build || return 0
    export COUNTERSIGN_TEST_SEEN=$workdir/seen
    on_sqlite
    smallest=$log
    check_union_coverage
    note 'left out: the tests on PostgreSQL, and on PostgreSQL with Redis and several processes (--embedded)'
    if [[ -x scripts/stand-ins ]]; then note "left out: the providers' stand-ins (--embedded)"; fi
    if [[ -d web ]]; then note 'left out: the web tests in a browser (--embedded)'; fi
    while read -r line; do note "$line"; done < <(left_out "$smallest")
}

rust_everywhere() {
    local smallest largest line
    heading 'Starting the servers'
    postgres_up
    redis_up
    fault_tools_up
    docs_tools_up
    deploy_tools_up
    stand_ins_up
    deployment_files
    build || return 0
    export COUNTERSIGN_TEST_SEEN=$workdir/seen
    on_sqlite
    smallest=$log
    export COUNTERSIGN_TEST_DATABASE_URL=$POSTGRES_URL
    # What depends on neither the database nor Redis runs on SQLite, and once more in the last run. What does not depend on
    # whether there is a Redis runs on PostgreSQL in the last run.
    skip=(--skip docs:: --skip deploy:: --skip providers:: --skip wire:: --skip faults:: --skip process::)
    cargo_test 'Integration tests on PostgreSQL' --workspace --test it
    skip=()
    export COUNTERSIGN_TEST_REDIS_URL=$REDIS_TEST_URL COUNTERSIGN_TEST_REDIS=$REDIS_TEST_URL
    # The unit tests again, because some of them need a server.
    cargo_test 'Unit and integration tests on PostgreSQL with Redis' --workspace --tests
    largest=$log
    unset COUNTERSIGN_TEST_DATABASE_URL COUNTERSIGN_TEST_REDIS_URL COUNTERSIGN_TEST_REDIS
    check_union_coverage
    # A test may be skipped in one run and run in another. If it was skipped in both the smallest and the largest run, it
    # never ran, which is an error of the set-up.
    while read -r line; do
        failed=$((failed + 1))
        note "FAILED, never run: $line"
    done < <(comm -12 <(left_out "$smallest") <(left_out "$largest"))
}

# Checks each file of deploy/ with the tool that reads it.
deployment_files() {
    [[ ${#filter[@]} == 0 ]] || return 0
    local line
    part step 'Deployment files' deploy/check || true
    while read -r line; do note "$line"; done < <(grep '^skipped: ' "$log")
}

# The skipped tests of a log. Tests print `LEFT OUT: name, and reason`.
left_out() { grep -o 'LEFT OUT: .*' "$1" | LC_ALL=C sort -u; }

# Third-party mock servers of the providers. The script starts them and prints the variables to export.
stand_ins_up() {
    [[ -x scripts/stand-ins ]] || return 0
    local exports
    exports=$(scripts/stand-ins up "$workdir/stand-ins" 2>"$workdir/logs/stand-ins.log") ||
        { cat "$workdir/logs/stand-ins.log" >&2; die "the providers' stand-ins do not start."; }
    stand_ins=up
    eval "$exports"
    local line
    while read -r line; do note "$line"; done < <(grep '^left out: ' "$workdir/logs/stand-ins.log")
}

stand_ins_down() { scripts/stand-ins down "$workdir/stand-ins" >>"$workdir/logs/stand-ins.log" 2>&1 || true; }

# The web tests: type check, lints, unit tests, build, and end-to-end tests in a real browser against the server.
web() {
    [[ -d web ]] || return 0
    command -v npm >/dev/null || apt 'Node.js' nodejs npm
    node_is_new_enough || die "the web tests need Node.js 20.19 or newer; found $(node --version). Put a newer \
version first in PATH, or use --only rust."
    command -v chromium >/dev/null || apt Chromium chromium
    CHROMIUM=$(command -v chromium) || die 'Chromium was installed, but chromium is not in PATH.'
    # The browser and the binary for the end-to-end tests. npm must not download other browsers.
    export CHROMIUM COUNTERSIGN="$PWD/target/debug/countersign"
    export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1
    # The build of the tests has made it already, unless only the web tests run.
    [[ $only != web ]] || part step 'Web: build the server' cargo build --locked --package countersign || return 0
    [[ -x $COUNTERSIGN ]] || { note 'left out: the web tests, because the server was not built'; return 0; }
    part step 'Web: install' npm --prefix web ci --no-audit --no-fund || return 0
    part tests 'Web: check' npm --prefix web run check || return 0
    part step 'Web: build' npm --prefix web run build || return 0
    part tests 'Web: end-to-end' npm --prefix web run e2e || true
}

node_is_new_enough() {
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
}
