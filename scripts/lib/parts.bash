# shellcheck shell=bash disable=SC2034,SC2154 # scripts/test sources these files together; they share their names
# The parts of the suite, in order. Sourced by scripts/test.

# Nothing of whoever runs this may reach the tests: they name the servers that they mean.
unset DATABASE_URL REDIS_URL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE
unset COUNTERSIGN_TEST_DATABASE_URL COUNTERSIGN_TEST_REDIS_URL COUNTERSIGN_TEST_REDIS

# Most tests wait for something most of the time: for a database, for a time-out, for another process.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) * 2))}

cargo_test() { part tests "$1" cargo test --locked --no-fail-fast "${@:2}" -- --show-output "${filter[@]}" || true; }

# Every member of every result union of the schema was an answer to some test. The tests note what they are answered in
# a file; only a whole run can be judged.
judge_answers() {
    [[ ${#filter[@]} == 0 ]] || return 0
    part tests 'Every answer of the schema was given to some test' env COUNTERSIGN_TEST_SEEN_ALL=1 \
        cargo test --locked --workspace --test it -- refusals:: || true
}

build() { part step 'Build the tests' cargo test --locked --workspace --no-run; }

# The units of every crate, the examples in the documentation, and the integration suite on SQLite.
on_sqlite() { cargo_test 'Units and integration, on SQLite' --workspace; }

rust_embedded() {
    local first line
    build || return 0
    export COUNTERSIGN_TEST_SEEN=$workdir/seen
    on_sqlite
    first=$log
    judge_answers
    note 'left out: the suite on PostgreSQL, and on PostgreSQL with Redis and several processes (--embedded)'
    if [[ -x scripts/stand-ins ]]; then note "left out: the providers' stand-ins (--embedded)"; fi
    if [[ -d web ]]; then note 'left out: the web part in a browser (--embedded)'; fi
    while read -r line; do note "$line"; done < <(left_out "$first")
}

rust_everywhere() {
    local first richest line
    heading 'Bringing up the servers'
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
    first=$log
    export COUNTERSIGN_TEST_DATABASE_URL=$POSTGRES_URL
    cargo_test 'Integration, on PostgreSQL' --workspace --test it
    export COUNTERSIGN_TEST_REDIS_URL=$REDIS_TEST_URL COUNTERSIGN_TEST_REDIS=$REDIS_TEST_URL
    # The units once more: those that want a server found none before.
    cargo_test 'Units and integration, on PostgreSQL with Redis' --workspace --tests
    richest=$log
    unset COUNTERSIGN_TEST_DATABASE_URL COUNTERSIGN_TEST_REDIS_URL COUNTERSIGN_TEST_REDIS
    judge_answers
    # A test may be left out of one run and be at home in another; left out of the poorest and the richest, it ran
    # nowhere, and that is a failure of this script's set-up.
    while read -r line; do
        failed=$((failed + 1))
        note "FAILED, as it ran nowhere: $line"
    done < <(comm -12 <(left_out "$first") <(left_out "$richest"))
}

# Each file of deploy/, read by the tool that it is for.
deployment_files() {
    [[ ${#filter[@]} == 0 ]] || return 0
    local line
    part step 'Deployment files' deploy/check || true
    while read -r line; do note "$line"; done < <(grep '^left out: ' "$log")
}

# What the tests of a log say that they left out; they print `LEFT OUT: what, and why`.
left_out() { grep -o 'LEFT OUT: .*' "$1" | LC_ALL=C sort -u; }

# The stand-ins of the providers, written by others: the script prints what to export and leaves them running.
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

# The web part: the page's types, its own tests, its build, its behaviour in a real browser against the real program.
web() {
    [[ -d web ]] || return 0
    command -v npm >/dev/null || apt 'Node.js' nodejs npm
    node_is_new_enough || die "the web part needs Node.js 20.19 or newer, and here is $(node --version). Put a newer \
one first in PATH, or leave the part out with --only rust."
    command -v chromium >/dev/null || apt Chromium chromium
    CHROMIUM=$(command -v chromium) || die 'Chromium was installed, yet there is no chromium in PATH.'
    # Where the end-to-end tests find the browser and the program; npm is not to bring browsers of its own.
    export CHROMIUM COUNTERSIGN="$PWD/target/debug/countersign"
    export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1
    part step 'Web: build the program' cargo build --locked --package countersign || return 0
    part step 'Web: install' npm --prefix web ci --no-audit --no-fund || return 0
    part tests 'Web: check' npm --prefix web run check || return 0
    part step 'Web: build' npm --prefix web run build || return 0
    part tests 'Web: in the browser' npm --prefix web run e2e || true
}

node_is_new_enough() {
    node -e 'const [major, minor] = process.versions.node.split(".").map(Number);
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
}
