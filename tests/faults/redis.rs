//! Redis stopped, flushed, slow and restarted (FD-04).

use std::time::Duration;

use serde_json::json;

use super::{
    load::{phone, timed},
    on_servers,
    proxy::Proxy,
    servers::Redis,
};
use crate::support::{Setup, TEST_TIMEOUT, TestApp, different_code};

/// The number of granted sends out of `count`, alternating between two processes.
async fn granted(one: &TestApp, other: &TestApp, first: usize, count: usize) -> usize {
    let mut granted = 0;
    for at in 0..count {
        let app = if at % 2 == 0 { one } else { other };
        let input = json!({ "purpose": "CONTACT", "to": { "phone": phone(first + at) } });
        granted += usize::from(app.anonymous().send_code(input).await["__typename"] == "SendVerificationCodePayload");
    }
    granted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_04_flushed_redis_does_not_lift_limits() {
    if !on_servers("Redis may be flushed") {
        return;
    }
    let Some(redis) = Redis::start("Redis may be flushed") else { return };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let setup = Setup::new().await.with("REDIS_URL", &url).with("CLIENT_SENDS_PER_MINUTE", "4");
    let one = setup.start().await;
    let other = one.another_process().await;
    assert_eq!(granted(&one, &other, 0, 12).await, 4);
    let mut connection = ::redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    for _ in 0..3 {
        ::redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
        // Each process remembers the counts that it read, even after a flush.
        assert_eq!(granted(&one, &other, 100, 6).await, 0);
    }
    other.stop().await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_04_slow_redis_delays_one_request_and_streams_catch_up() {
    if !on_servers("Redis may be slow, go and come back") {
        return;
    }
    let Some(mut redis) = Redis::start("Redis may be slow, go and come back") else { return };
    let proxy = Proxy::start(&format!("127.0.0.1:{}", redis.port)).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let one = Setup::new().await.with("REDIS_URL", &url).with("CLIENT_SENDS_PER_MINUTE", "8").start().await;
    let other = one.another_process().await;
    let id = one.anonymous().send_code_to(&phone(0)).await["id"].clone();
    let code = one.code_sent_to(&phone(0)).await;
    let mut watch = other.anonymous().watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;

    proxy.delay(Duration::from_secs(3));
    let (count, took) = timed(granted(&one, &other, 1, 40)).await;
    // Two processes that count separately grant at most twice the limit, and no request waits three seconds.
    assert!((1..=16).contains(&count), "{count}");
    assert!(took < Duration::from_secs(90), "forty sends took {took:?}");
    // Quotas counted in SQL hold across both processes.
    assert_eq!(one.anonymous().confirm(&id, &different_code(&code)).await["attemptsRemaining"], 4);
    assert_eq!(other.anonymous().confirm(&id, &different_code(&code)).await["attemptsRemaining"], 3);

    redis.down();
    proxy.cut();
    proxy.delay(Duration::ZERO);
    assert_eq!(one.anonymous().confirm(&id, &code).await["__typename"], "ConfirmVerificationCodePayload");
    assert!(redis.up());
    let last = tokio::time::timeout(TEST_TIMEOUT, watch.last()).await.unwrap();
    assert_eq!(last["status"], "VERIFIED");
    other.stop().await;
    one.stop().await;
}
