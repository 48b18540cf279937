//! A Redis that is there and refuses: rights, passwords, replicas, TLS (FD-04).

use std::time::Duration;

use super::{
    load::{phone, send, until},
    on_servers,
    servers::{Redis, free_port},
    unlimited,
};
use crate::{
    process::child::{Plan, said},
    support::PATIENCE,
};

async fn tell(redis: &Redis, command: &[&str]) {
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let mut connection = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let (name, arguments) = command.split_first().unwrap();
    ::redis::cmd(name).arg(arguments).query_async::<()>(&mut connection).await.unwrap();
}

async fn user(redis: &Redis, rights: &[&str]) {
    tell(redis, &[&["ACL", "SETUSER", "cs", "reset", "on", ">secret"], rights].concat()).await;
}

async fn plan(redis: &Redis, user: &str) -> Plan {
    let url = format!("redis://{user}127.0.0.1:{}", redis.port);
    unlimited().await.with("REDIS_URL", &url).with("REDIS_TIMEOUT", "5s")
}

/// Case 8: `doctor` tries what the program uses, and names what is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_what_redis_refuses() {
    let what = "Redis may refuse";
    if !on_servers(what) {
        return;
    }
    let Some(redis) = Redis::start(what) else { return };
    let mut wrong = Vec::new();
    let mut examine = |plan: &Plan, good: bool, word: &str| {
        let (is_good, answered) = said(plan, &["doctor"]);
        let line = answered.lines().find(|line| line.contains("Redis:")).unwrap_or_default().to_owned();
        if is_good != good || !line.contains(word) || answered.contains("secret") {
            wrong.push(format!("{word}: {answered}"));
        }
    };
    let ours = plan(&redis, "cs:secret@").await;
    user(&redis, &["~countersign:*", "+@all"]).await;
    examine(&ours, false, "may not use PUBLISH");
    user(&redis, &["~countersign:*", "&countersign:*", "+@all", "-@scripting"]).await;
    examine(&ours, false, "may not use EVALSHA");
    user(&redis, &["~countersign:*", "&countersign:*", "+@all", "-subscribe"]).await;
    examine(&ours, false, "may not use SUBSCRIBE");
    user(&redis, &["&countersign:*", "+@all"]).await;
    examine(&ours, false, "may not use SET");
    let rights = ["+@read", "+@write", "+@scripting", "+@pubsub", "+@connection", "+time"];
    user(&redis, &[&["~countersign:*", "&countersign:*"], &rights[..]].concat()).await;
    examine(&ours, true, "runs scripts");
    examine(&plan(&redis, "cs:other@").await, false, "user or password is wrong");
    let tls = plan(&redis, "").await.with("REDIS_URL", &format!("rediss://127.0.0.1:{}", redis.port));
    examine(&tls, false, "does not speak TLS");
    let nowhere = plan(&redis, "").await.with("REDIS_URL", "redis://redis.invalid:6379");
    examine(&nowhere, false, "the host of REDIS_URL is unknown");
    tell(&redis, &["REPLICAOF", "127.0.0.1", &free_port().to_string()]).await;
    examine(&ours, false, "this is a replica");
    tell(&redis, &["REPLICAOF", "NO", "ONE"]).await;
    tell(&redis, &["ACL", "SETUSER", "default", "resetpass", ">password"]).await;
    examine(&plan(&redis, "").await, false, "needs a password");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Case 8: a refusal is one line in the log, not one for each attempt, and ends with the right that was missing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_logged_once_until_it_ends() {
    let what = "Redis may refuse while the program serves";
    if !on_servers(what) {
        return;
    }
    let Some(redis) = Redis::start(what) else { return };
    user(&redis, &["~countersign:*", "+@all"]).await;
    let plan = plan(&redis, "cs:secret@").await;
    let child = plan.serve().await;
    for at in 0..5 {
        assert!(send(&child, &phone(at)).await.id().is_some());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let count = |what: &str| plan.logged().matches(what).count();
    assert_eq!(count("Redis rejects commands"), 1, "{}", plan.logged());
    assert_eq!(count("Redis available again"), 0, "{}", plan.logged());
    user(&redis, &["~countersign:*", "&countersign:*", "+@all"]).await;
    until("Redis is used", PATIENCE, || async { (count("Redis available again") == 1).then_some(()) }).await;
}
