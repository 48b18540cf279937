# shellcheck shell=bash disable=SC2034,SC2154 # scripts/test sources these files together; they share their names
# A private PostgreSQL and a private Redis for one run: installed if necessary, started on free ports, stopped. Sourced by
# scripts/test.

postgres_pid='' redis_pid='' stand_ins=''
apt_updated=''

# apt NAME PACKAGE...: installs packages, or explains how to install them.
apt() {
    local what=$1 as_root=()
    shift
    command -v apt-get >/dev/null ||
        die "$what is not installed, and there is no apt-get to install it with ($*)."
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null ||
            die "$what is not installed. Run \`sudo apt-get install $*\`, then this again; or use --embedded."
        as_root=(sudo -n)
    fi
    heading "Installing $*"
    local quietly=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    if [[ ! $apt_updated ]]; then
        "${as_root[@]}" "${quietly[@]}" update </dev/null || die "apt-get update failed; $what can't be installed."
        apt_updated=1
    fi
    # The package of a server starts the server; policy-rc.d prevents this, because only the program is needed.
    local policy=/usr/sbin/policy-rc.d ours=''
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
        "${as_root[@]}" chmod 755 $policy
        ours=1
    fi
    local status=0
    "${as_root[@]}" "${quietly[@]}" install --no-install-recommends "$@" </dev/null >"$workdir/logs/apt.log" 2>&1 || status=$?
    if [[ $ours ]]; then "${as_root[@]}" rm -f $policy; fi
    if ((status)); then
        tail -n 15 "$workdir/logs/apt.log" >&2
        die "apt-get install $* failed; $what can't be installed."
    fi
}

# Prints an unused port below the ephemeral range.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# until_ready PID COMMAND...: waits until the command succeeds; fails when the process has ended, or after 30 seconds.
until_ready() {
    local pid=$1 tries
    shift
    for ((tries = 0; tries < 300; tries++)); do
        kill -0 "$pid" 2>/dev/null || return 1
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    return 1
}

# Finds the newest PostgreSQL server in the layout of Debian, where its programs are not in PATH.
find_postgres() {
    local bin
    postgres_bin=''
    while read -r bin; do
        if [[ -x $bin/initdb && -x $bin/postgres ]]; then postgres_bin=$bin; fi
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V)
    if [[ ! $postgres_bin ]] && command -v initdb >/dev/null; then
        postgres_bin=$(dirname "$(readlink -f "$(command -v initdb)")")
    fi
    [[ $postgres_bin ]]
}

# Sets POSTGRES_URL. The data is discarded after the run, so fsync is off.
postgres_up() {
    find_postgres || { apt PostgreSQL postgresql; find_postgres; } || die 'PostgreSQL was installed, but initdb was not found.'
    local data=$workdir/postgres log=$workdir/logs/postgres.log port tries
    # The server is stopped with this script, even if the script is killed.
    local as=(setpriv --pdeathsig INT)
    mkdir -m 700 "$data"
    if ((EUID == 0)); then
        # initdb and postgres refuse to run as root.
        local user=postgres
        getent passwd $user >/dev/null || user=nobody
        chown "$user" "$data"
        as+=("--reuid=$user" "--regid=$(id -g $user)" --init-groups)
    fi
    (cd "$data" && "${as[@]}" "$postgres_bin/initdb" -D "$data/db" -U postgres -A trust -E UTF8 --no-locale --no-sync) \
        >"$log" 2>&1 || { cat "$log" >&2; die 'initdb failed.'; }
    for tries in 1 2 3 4 5; do
        port=$(free_port)
        (cd "$data" && exec "${as[@]}" "$postgres_bin/postgres" -D "$data/db" -h 127.0.0.1 -p "$port" -k '' \
            -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off \
            -c wal_level=minimal -c max_wal_senders=0 -c max_connections=400 -c shared_buffers=128MB) >>"$log" 2>&1 &
        postgres_pid=$!
        if until_ready "$postgres_pid" "$postgres_bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U postgres; then
            POSTGRES_URL=postgres://postgres@127.0.0.1:$port/
            echo "PostgreSQL: $("$postgres_bin/postgres" --version | cut -d' ' -f3) on port $port"
            return
        fi
        stop "$postgres_pid" INT
        postgres_pid=''
        echo "PostgreSQL did not start on port $port (attempt $tries)" >&2
    done
    tail -n 20 "$log" >&2
    die 'PostgreSQL does not start.'
}

# Sets REDIS_TEST_URL.
redis_up() {
    local server cli log=$workdir/logs/redis.log port tries
    find_redis() { server=$(command -v redis-server || command -v valkey-server); }
    find_redis || { apt Redis redis-server; find_redis; } || die 'Redis was installed, but redis-server was not found.'
    cli=${server%-server}-cli
    mkdir -m 700 "$workdir/redis"
    for tries in 1 2 3 4 5; do
        port=$(free_port)
        setpriv --pdeathsig TERM "$server" --bind 127.0.0.1 --port "$port" --dir "$workdir/redis" \
            --save '' --appendonly no --daemonize no >>"$log" 2>&1 &
        redis_pid=$!
        if until_ready "$redis_pid" "$cli" -h 127.0.0.1 -p "$port" --raw ping; then
            REDIS_TEST_URL=redis://127.0.0.1:$port
            echo "Redis: $("$server" --version | sed -E 's/.* v=([^ ]+).*/\1/') on port $port"
            return
        fi
        stop "$redis_pid" TERM
        redis_pid=''
        echo "Redis did not start on port $port (attempt $tries)" >&2
    done
    tail -n 20 "$log" >&2
    die 'Redis does not start.'
}

# stop PID SIGNAL: stops a server that this script started, with SIGKILL after ten seconds.
stop() {
    local tries
    kill "-$2" "$1" 2>/dev/null || return 0
    for ((tries = 0; tries < 100; tries++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# Tools of the fault tests: PgBouncer, and libfaketime.
fault_tools_up() {
    local here=(/usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1) found='' library
    for library in "${here[@]}"; do if [[ -e $library ]]; then found=1; fi; done
    if [[ ! $found ]]; then apt libfaketime libfaketime; fi
    command -v pgbouncer >/dev/null || apt pgbouncer pgbouncer
}

# What the code blocks of the documentation and the layout of deploy/compose use.
docs_tools_up() {
    local missing=() pair
    for pair in curl:curl jq:jq openssl:openssl nginx:nginx-light caddy:caddy python3:python3; do
        PATH=$PATH:/usr/sbin command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    /usr/bin/python3 -c 'import jwt, cryptography' 2>/dev/null || missing+=(python3-jwt python3-cryptography)
    if ((${#missing[@]})); then apt 'the tools of the documentation' "${missing[@]}"; fi
}

# What reads the files of deploy/. kubernetes-validate is PyPI's; without it that file is left out, and said to be.
deploy_tools_up() {
    local missing=() pair
    for pair in promtool:prometheus docker-compose:docker-compose systemd-analyze:systemd; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    if ((${#missing[@]})); then apt 'what reads the files of deploy/' "${missing[@]}"; fi
    if ! command -v kubernetes-validate >/dev/null && python3 -m venv "$workdir/venv" >"$workdir/logs/venv.log" 2>&1; then
        "$workdir/venv/bin/pip" install --quiet kubernetes-validate >>"$workdir/logs/venv.log" 2>&1 || true
        PATH=$PATH:$workdir/venv/bin
    fi
}

servers_down() {
    if [[ $stand_ins ]]; then stand_ins_down; fi
    if [[ $redis_pid ]]; then stop "$redis_pid" TERM; fi
    if [[ $postgres_pid ]]; then stop "$postgres_pid" INT; fi
}
