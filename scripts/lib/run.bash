# shellcheck shell=bash disable=SC2034,SC2154 # scripts/test sources these files together; they share their names
# Runs one part of the suite, counts its tests, and cleans up. Sourced by scripts/test.

PART_LIMIT=${PART_LIMIT:-40m}
passed=0 failed=0 parts=0
summary=() notes=()
running='' workdir=''

# Creates the temporary folder, and installs traps so that everything is stopped when the script ends, also on Ctrl-C.
begin() {
    workdir=$(mktemp -d "${TMPDIR:-/tmp}/countersign-test.XXXXXX")
    # PostgreSQL runs as another user and needs to traverse this folder.
    chmod 711 "$workdir"
    mkdir "$workdir/logs"
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

heading() { printf '\n==> %s\n' "$*"; }

# Adds a note that is printed at the end.
note() { notes+=("$*"); }

# Prints an error of the set-up and exits.
die() {
    printf '\nscripts/test: %s\n' "$*" >&2
    failed=$((failed + 1))
    exit 1
}

# Runs "$@" in its own process group and kills the group afterwards. The whole output goes to $log; the terminal gets it
# without the lines of passed tests. Returns the status of the command, or 124 after PART_LIMIT.
logged() {
    local pipe=$workdir/pipe show status=0
    parts=$((parts + 1))
    log=$workdir/logs/$parts.log
    rm -f "$pipe"
    mkfifo "$pipe"
    tee "$log" <"$pipe" | brief &
    show=$!
    timeout --kill-after=20s "$PART_LIMIT" "$@" </dev/null >"$pipe" 2>&1 &
    running=$!
    wait "$running" || status=$?
    # A process that a test left running would keep the pipe open, and this script waiting.
    kill -KILL -- "-$running" 2>/dev/null || true
    running=''
    wait "$show" || true
    return "$status"
}

brief() {
    if [[ ${verbose:-} ]]; then
        cat
    else
        sed -u -E \
            -e '/^successes:$/,/^(failures:|test result:)/{/^(failures:|test result:)/!d}' \
            -e '/^test .* \.\.\. (ok|ignored.*)$/d' -e '/^running 0 tests$/d' -e '/^$/d'
    fi
}

# part KIND TITLE COMMAND...: runs one part. KIND `tests` must report tests; KIND `step` only has to succeed.
part() {
    local kind=$1 title=$2 started=$SECONDS status=0 good=0 bad=0 ignored=0 why=''
    shift 2
    heading "$title"
    logged "$@" || status=$?
    if [[ $kind == tests ]]; then
        read -r good bad ignored < <(awk -f scripts/lib/count-tests.awk "$log")
        if ((good + bad == 0 && status == 0 && ${#filter[@]} == 0)); then
            bad=1 why=', no test was run'
        fi
        if ((ignored)); then note "$title: $ignored ignored or skipped"; fi
    fi
    if ((status == 124)); then
        bad=$((bad + 1)) why=", killed after $PART_LIMIT"
    elif ((status && !bad)); then
        bad=1 why=", exit status $status without a failed test"
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    local counts="$good passed, $bad failed"
    if [[ $kind == step ]] && ((!bad)); then counts='done'; fi
    summary+=("$(printf '%-50s %-24s %4ds%s' "$title" "$counts" $((SECONDS - started)) "$why")")
    ((bad == 0))
}

finish() {
    local status=$? line
    # Signals must not interrupt the clean-up.
    trap '' INT TERM HUP
    trap - EXIT
    set +e
    if [[ $running ]]; then
        kill -TERM "$running" 2>/dev/null
        wait "$running" 2>/dev/null
    fi
    servers_down
    if ((${#summary[@]})); then
        heading 'Summary'
        printf '%s\n' "${summary[@]}"
    fi
    for line in "${notes[@]}"; do printf 'NOTE: %s\n' "$line"; done
    if [[ ${keep:-} ]]; then
        echo "logs: $workdir"
    else
        rm -rf "$workdir"
    fi
    if ((status && !failed)); then
        echo "scripts/test: stopped before the end (status $status)"
        failed=1
    elif ((passed + failed == 0)); then
        echo 'scripts/test: no test was run'
        failed=1
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    if ((status == 0 && failed)); then status=1; fi
    exit "$status"
}
