# shellcheck shell=bash disable=SC2034,SC2154 # scripts/test sources these files together; they share their names
# Running one part of the suite, counting what it ran, and leaving nothing behind. Sourced by scripts/test.

PART_LIMIT=${PART_LIMIT:-40m}
passed=0 failed=0 parts=0
summary=() notes=()
running='' workdir=''

# Makes the temporary folder and sees to it that everything ends with the script, also on Ctrl-C.
begin() {
    workdir=$(mktemp -d "${TMPDIR:-/tmp}/countersign-test.XXXXXX")
    # The database runs as another user and must find its way through.
    chmod 711 "$workdir"
    mkdir "$workdir/logs"
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

heading() { printf '\n==> %s\n' "$*"; }

# Something that should be read at the end, once more, together.
note() { notes+=("$*"); }

# The set-up failed: a clear word, and no further.
die() {
    printf '\nscripts/test: %s\n' "$*" >&2
    failed=$((failed + 1))
    exit 1
}

# Runs "$@" in a process group of its own and ends the group with it; the output goes to $log whole, to the screen
# without the lines that say that all is well. Returns the command's status, 124 after PART_LIMIT.
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
    # What a test left running would hold the pipe open, and us with it.
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
        read -r good bad ignored < <(awk -f scripts/lib/tally.awk "$log")
        if ((good + bad == 0 && status == 0 && ${#filter[@]} == 0)); then
            bad=1 why=', it ran no test'
        fi
        if ((ignored)); then note "$title: $ignored ignored or skipped"; fi
    fi
    if ((status == 124)); then
        bad=$((bad + 1)) why=", ended after $PART_LIMIT"
    elif ((status && !bad)); then
        bad=1 why=", it ended with status $status without saying which test failed"
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    local counts="$good passed, $bad failed"
    if [[ $kind == step ]] && ((!bad)); then counts='done'; fi
    summary+=("$(printf '%-50s %-24s %4ds%s' "$title" "$counts" $((SECONDS - started)) "$why")")
    ((bad == 0))
}

finish() {
    local status=$? line
    # From here on nothing stops the clean-up.
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
