# shellcheck shell=bash disable=SC2154 # sourced by scripts/stand-ins, which defines these names
# Postfix with a private configuration and spool, independent of a Postfix of the machine.

# postfix_up PORT CERTIFICATE KEY: requires STARTTLS; stores mail for example.com, except nobody@; no relaying.
postfix_up() {
    local port=$1 home=$dir/postfix bin user
    if ((EUID != 0)); then
        left_out 'Postfix, which only root can start' COUNTERSIGN_TEST_POSTFIX
        return
    fi
    bin=$(command -v postfix || echo /usr/sbin/postfix)
    [[ -x $bin ]] || apt Postfix postfix
    user=$(id -u nobody)
    mkdir -p "$home"/{conf,queue,data,mail}
    chown postfix "$home/data"
    chown nobody "$home/mail"
    cat >"$home/conf/main.cf" <<END
compatibility_level = 3.6
queue_directory = $home/queue
data_directory = $home/data
maillog_file = $dir/postfix-mail.log
maillog_file_prefixes = $dir
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
alias_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_base = $home/mail
virtual_mailbox_maps = static:inbox/
virtual_minimum_uid = 1
virtual_uid_maps = static:$user
virtual_gid_maps = static:$(id -g nobody)
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{nobody@example.com = 550 5.1.1 nobody here}}
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = $2
smtpd_tls_key_file = $3
END
    cat >"$home/conf/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd
postlog   unix-dgram n - n - 1 postlogd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
proxymap  unix - - n - - proxymap
virtual   unix - n n - - virtual
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
error     unix - - n - - error
retry     unix - - n - - error
anvil     unix - - n - 1 anvil
END
    cp /etc/postfix/postfix-files "$home/conf/" 2>/dev/null || true
    start postfix listens "$port" -- "$bin" -c "$home/conf" start-fg
    # Postfix runs as another process than the one that was started.
    echo "$(tr -d ' ' <"$home/queue/pid/master.pid")" >>"$pids"
    export_line COUNTERSIGN_TEST_POSTFIX "$port"
    export_line COUNTERSIGN_TEST_POSTFIX_MAIL "$home/mail/inbox"
}
