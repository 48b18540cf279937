# Reads the output of test runners and prints "passed failed ignored". Each runner has its own format.
{ gsub(/\033\[[0-9;]*m/, "") }

# cargo test: "test result: ok. 5 passed; 0 failed; 1 ignored; ..."
/^test result: / { passed += $4; failed += $6; ignored += $8 }

# node --test: "# pass 5" or "ℹ pass 5"
/^[^ ]+ pass [0-9]+$/ { passed += $3 }
/^[^ ]+ (fail|cancelled) [0-9]+$/ { failed += $3 }
/^[^ ]+ (skipped|todo) [0-9]+$/ { ignored += $3 }

# Playwright: "  5 passed (3.1s)", "  1 failed", "  1 flaky", "  2 did not run". A flaky test counts as failed.
/^ +[0-9]+ passed \([0-9.]+(ms|s|m|h)\)$/ { passed += $1 }
/^ +[0-9]+ (failed|flaky|interrupted|did not run)$/ { failed += $1 }
/^ +[0-9]+ skipped$/ { ignored += $1 }

# Vitest: "      Tests  1 failed | 4 passed (5)"
/^ *Tests  +[0-9]/ {
    for (i = 2; i < NF; i++) {
        if ($(i + 1) == "passed") passed += $i
        if ($(i + 1) == "failed") failed += $i
        if ($(i + 1) == "skipped") ignored += $i
    }
}

# The scripts of this repository: "5 passed, 0 failed"
/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }

END { print passed + 0, failed + 0, ignored + 0 }
