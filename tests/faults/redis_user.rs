//! A Redis that rejects commands: permissions, passwords, replicas, TLS (FD-04).

use std::time::Duration;

use super::{
    load::{phone, send, until},
    on_servers,
    servers::{Redis, free_port},
    without_quotas,
};
use crate::{
    process::child::{ChildConfig, run_output},
    support::TEST_TIMEOUT,
};

async fn redis_command(redis: &Redis, command: &[&str]) {
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let mut connection = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let (name, arguments) = command.split_first().unwrap();
    ::redis::cmd(name).arg(arguments).query_async::<()>(&mut connection).await.unwrap();
}

async fn set_acl(redis: &Redis, rights: &[&str]) {
    redis_command(redis, &[&["ACL", "SETUSER", "cs", "reset", "on", ">secret"], rights].concat()).await;
}

async fn config(redis: &Redis, set_acl: &str) -> ChildConfig {
    let url = format!("redis://{set_acl}127.0.0.1:{}", redis.port);
    without_quotas().await.with("REDIS_URL", &url).with("REDIS_TIMEOUT", "5s")
}

/// `doctor` tries the commands that the service uses and reports which are rejected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_reports_commands_that_redis_rejects() {
    let what = "Redis may refuse";
    if !on_servers(what) {
        return;
    }
    let Some(redis) = Redis::start(what) else { return };
    let mut wrong = Vec::new();
    let mut examine = |config: &ChildConfig, good: bool, term: &str| {
        let (is_good, answered) = run_output(config, &["doctor"]);
        let line = answered.lines().find(|line| line.contains("Redis:")).unwrap_or_default().to_owned();
        if is_good != good || !line.contains(term) || answered.contains("secret") {
            wrong.push(format!("{term}: {answered}"));
        }
    };
    let ours = config(&redis, "cs:secret@").await;
    set_acl(&redis, &["~countersign:*", "+@all"]).await;
    examine(&ours, false, "may not use PUBLISH");
    set_acl(&redis, &["~countersign:*", "&countersign:*", "+@all", "-@scripting"]).await;
    examine(&ours, false, "may not use EVALSHA");
    set_acl(&redis, &["~countersign:*", "&countersign:*", "+@all", "-subscribe"]).await;
    examine(&ours, false, "may not use SUBSCRIBE");
    set_acl(&redis, &["&countersign:*", "+@all"]).await;
    examine(&ours, false, "may not use SET");
    let rights = ["+@read", "+@write", "+@scripting", "+@pubsub", "+@connection", "+time"];
    set_acl(&redis, &[&["~countersign:*", "&countersign:*"], &rights[..]].concat()).await;
    examine(&ours, true, "scripts and messages work");
    examine(&config(&redis, "cs:other@").await, false, "user or password is wrong");
    let tls = config(&redis, "").await.with("REDIS_URL", &format!("rediss://127.0.0.1:{}", redis.port));
    examine(&tls, false, "does not speak TLS");
    let nowhere = config(&redis, "").await.with("REDIS_URL", "redis://redis.invalid:6379");
    examine(&nowhere, false, "the host of REDIS_URL is unknown");
    redis_command(&redis, &["REPLICAOF", "127.0.0.1", &free_port().to_string()]).await;
    examine(&ours, false, "this is a replica");
    redis_command(&redis, &["REPLICAOF", "NO", "ONE"]).await;
    redis_command(&redis, &["ACL", "SETUSER", "default", "resetpass", ">password"]).await;
    examine(&config(&redis, "").await, false, "needs a password");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A rejection is logged once and not for each attempt, and its end is logged when the permission is granted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_rejection_is_logged_once_until_it_ends() {
    let what = "Redis may refuse while the program serves";
    if !on_servers(what) {
        return;
    }
    let Some(redis) = Redis::start(what) else { return };
    set_acl(&redis, &["~countersign:*", "+@all"]).await;
    let config = config(&redis, "cs:secret@").await;
    let child = config.serve().await;
    for at in 0..5 {
        assert!(send(&child, &phone(at)).await.id().is_some());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let count = |what: &str| config.log_text().matches(what).count();
    assert_eq!(count("Redis rejects commands"), 1, "{}", config.log_text());
    assert_eq!(count("Redis available again"), 0, "{}", config.log_text());
    set_acl(&redis, &["~countersign:*", "&countersign:*", "+@all"]).await;
    until("Redis is used", TEST_TIMEOUT, || async { (count("Redis available again") == 1).then_some(()) }).await;
}
