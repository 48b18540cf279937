//! Quotas of one process.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use chrono::DateTime;

use super::*;
use domain::{
    caller::ClientAddress,
    ids::{AccountId, SessionId},
    locale::Locale,
};
use platform::{
    clock::{Entropy, ManualClock},
    config::quota::{ContactQuotas, GuessingSettings, PumpingSettings},
};

pub const DESTINATION: &str = "821012";

/// The limits of the tests: small, with the guard off.
pub fn settings() -> QuotaSettings {
    QuotaSettings {
        client_sends_per_minute: NonZeroU32::new(10),
        client_email_sends_per_minute: None,
        client_guesses_per_minute: NonZeroU32::new(30),
        client_lookups_per_minute: None,
        client_sign_ins_per_minute: NonZeroU32::new(20),
        client_sign_ups_per_minute: None,
        client_proofs_per_minute: None,
        client_refreshes_per_minute: None,
        ipv6_site_factor: NonZeroU32::new(3),
        account_hourly_passwords: NonZeroU32::new(2),
        destination_hourly_sends: None,
        service_hourly_sends: None,
        service_hourly_email_sends: None,
        contact: ContactQuotas {
            resend_cooldown: Duration::from_secs(60),
            daily_sends: None,
            daily_guesses: None,
            time_zone: chrono_tz::UTC,
        },
        pumping: None,
        guessing: None,
    }
}

pub fn guarded() -> QuotaSettings {
    let rule = PumpingSettings {
        min_sends: NonZeroU32::new(30).unwrap(),
        min_conversion: 0.1,
        window: Duration::from_secs(3600),
    };
    QuotaSettings { pumping: Some(rule), client_sends_per_minute: None, ..settings() }
}

pub fn from(address: &str) -> RequestInfo {
    RequestInfo {
        address: ClientAddress::new(address.parse::<IpAddr>().unwrap()),
        user_agent: None,
        request_id: Arc::from("test"),
        locale: Locale::En,
    }
}

pub fn send() -> Operation<'static> {
    Operation::SendCode { destination: Some(DESTINATION) }
}

/// 2026-01-01, an arbitrary time.
pub fn clock() -> (Clock, ManualClock) {
    Clock::manual(DateTime::from_timestamp(1_767_225_600, 0).unwrap())
}

fn single(settings: &QuotaSettings) -> (Quotas, Clock, ManualClock) {
    let (clock, hand) = clock();
    (Quotas::open(settings, clock.clone(), None), clock, hand)
}

#[tokio::test]
async fn bf_09_client_has_a_burst_and_then_an_even_rate() {
    let (quotas, clock, hand) = single(&settings());
    let caller = from("192.0.2.1");
    for _ in 0..10 {
        assert_eq!(quotas.charge(send(), &caller).await, Ok(()));
    }
    let refused = quotas.charge(send(), &caller).await.unwrap_err();
    assert_eq!(refused, Refused { quota: Quota::ClientAddress, retry_at: clock.now() + Duration::from_secs(6) });
    assert_eq!(quotas.charge(send(), &from("192.0.2.2")).await, Ok(()));
    hand.set(refused.retry_at - Duration::from_millis(1));
    assert!(quotas.charge(send(), &caller).await.is_err());
    hand.set(refused.retry_at);
    assert_eq!(quotas.charge(send(), &caller).await, Ok(()));
    assert!(quotas.charge(send(), &caller).await.is_err());
}

#[tokio::test]
async fn bf_09_ipv6_client_is_its_64_and_a_mapped_address_is_ipv4() {
    let (quotas, ..) = single(&settings());
    for host in 0..10 {
        quotas.charge(send(), &from(&format!("2001:db8:0:1::{host:x}"))).await.unwrap();
    }
    assert!(quotas.charge(send(), &from("2001:db8:0:1:ffff::1")).await.is_err());
    assert_eq!(quotas.charge(send(), &from("2001:db8:0:2::1")).await, Ok(()));

    for _ in 0..5 {
        quotas.charge(send(), &from("192.0.2.1")).await.unwrap();
        quotas.charge(send(), &from("::ffff:192.0.2.1")).await.unwrap();
    }
    assert!(quotas.charge(send(), &from("192.0.2.1")).await.is_err());
}

#[tokio::test]
async fn ipv6_site_has_a_multiple_of_a_clients_limit() {
    let (quotas, ..) = single(&settings());
    for network in 0..30 {
        quotas.charge(send(), &from(&format!("2001:db8:7:{network:x}::1"))).await.unwrap();
    }
    let refused = quotas.charge(send(), &from("2001:db8:7:ffff::1")).await.unwrap_err();
    assert_eq!(refused.quota, Quota::ClientAddress);
    assert_eq!(quotas.charge(send(), &from("2001:db8:8::1")).await, Ok(()));

    let unlimited = QuotaSettings { ipv6_site_factor: None, ..settings() };
    let (quotas, ..) = single(&unlimited);
    for network in 0..100 {
        quotas.charge(send(), &from(&format!("2001:db8:7:{network:x}::1"))).await.unwrap();
    }
}

#[tokio::test]
async fn e_mails_have_separate_limits_within_those_of_all_sends() {
    let limits = QuotaSettings {
        client_email_sends_per_minute: NonZeroU32::new(3),
        service_hourly_email_sends: NonZeroU32::new(5),
        ..settings()
    };
    let (quotas, ..) = single(&limits);
    let by_mail = Operation::SendCode { destination: None };
    for _ in 0..3 {
        quotas.charge(by_mail, &from("192.0.2.1")).await.unwrap();
    }
    assert_eq!(quotas.charge(by_mail, &from("192.0.2.1")).await.unwrap_err().quota, Quota::ClientAddress);
    assert_eq!(
        quotas.charge(send(), &from("192.0.2.1")).await,
        Ok(()),
        "the limit of e-mails does not apply to phones"
    );
    for client in 2..4 {
        quotas.charge(by_mail, &from(&format!("192.0.2.{client}"))).await.unwrap();
    }
    assert_eq!(quotas.charge(by_mail, &from("192.0.2.9")).await.unwrap_err().quota, Quota::Service);
    // The refund applies to the service's limit, and not to the client's.
    quotas.refund_send(None, &from("192.0.2.3")).await;
    assert_eq!(quotas.charge(by_mail, &from("192.0.2.9")).await, Ok(()));
}

pub fn alarmed() -> QuotaSettings {
    let rule = GuessingSettings {
        min_guesses: NonZeroU32::new(10).unwrap(),
        min_confirmed: 0.5,
        window: Duration::from_secs(600),
    };
    QuotaSettings { guessing: Some(rule), ..settings() }
}

#[tokio::test]
async fn few_right_codes_among_many_raise_an_alarm_once_and_right_codes_end_it() {
    let (quotas, _, hand) = single(&alarmed());
    for _ in 0..9 {
        assert_eq!(quotas.count_guess(false).await, None);
    }
    let alarm = quotas.count_guess(false).await.unwrap();
    assert_eq!(alarm, Alarm { raised: true, guesses: 10.0, confirmed: 0.0 });
    assert_eq!(quotas.count_guess(false).await, None, "once");
    // It refuses no request.
    assert_eq!(quotas.charge(Operation::Guess, &from("192.0.2.1")).await, Ok(()));
    let ended = loop {
        if let Some(alarm) = quotas.count_guess(true).await {
            break alarm;
        }
    };
    assert_eq!(ended, Alarm { raised: false, guesses: 22.0, confirmed: 11.0 });
    hand.advance(Duration::from_secs(1200));
    assert_eq!(quotas.count_guess(false).await, None, "the window is over");
}

#[tokio::test]
async fn operations_have_separate_limits() {
    let (quotas, ..) = single(&settings());
    let caller = from("192.0.2.1");
    while quotas.charge(send(), &caller).await.is_ok() {}
    for _ in 0..30 {
        assert_eq!(quotas.charge(Operation::Guess, &caller).await, Ok(()));
    }
    assert!(quotas.charge(Operation::Guess, &caller).await.is_err());
    for _ in 0..1000 {
        assert_eq!(quotas.charge(Operation::Lookup, &caller).await, Ok(()), "unlimited");
    }
}

#[tokio::test]
async fn operation_refused_by_one_key_is_charged_to_none() {
    let limits = QuotaSettings {
        client_sends_per_minute: NonZeroU32::new(3),
        destination_hourly_sends: NonZeroU32::new(1),
        ..settings()
    };
    let (quotas, ..) = single(&limits);
    let caller = from("192.0.2.1");
    quotas.charge(send(), &caller).await.unwrap();
    for _ in 0..5 {
        assert_eq!(quotas.charge(send(), &caller).await.unwrap_err().quota, Quota::DestinationPrefix);
    }
    let elsewhere = Operation::SendCode { destination: Some("4479") };
    quotas.charge(elsewhere, &caller).await.unwrap();
    let by_mail = Operation::SendCode { destination: None };
    quotas.charge(by_mail, &caller).await.unwrap();
    assert_eq!(quotas.charge(by_mail, &caller).await.unwrap_err().quota, Quota::ClientAddress);
}

#[tokio::test]
async fn longer_wait_of_two_refusals_is_reported() {
    let limits = QuotaSettings {
        client_sends_per_minute: NonZeroU32::new(1),
        service_hourly_sends: NonZeroU32::new(1),
        ..settings()
    };
    let (quotas, clock, _) = single(&limits);
    quotas.charge(send(), &from("192.0.2.1")).await.unwrap();
    let refused = quotas.charge(send(), &from("192.0.2.1")).await.unwrap_err();
    assert_eq!(refused, Refused { quota: Quota::Service, retry_at: clock.now() + Duration::from_secs(3600) });
}

#[tokio::test]
async fn password_is_counted_by_session_and_account_regardless_of_address() {
    let (quotas, ..) = single(&settings());
    let account = AccountId::new(&Entropy::seeded(1));
    let sessions: Vec<_> = (1..=6).map(|seed| SessionId::new(&Entropy::seeded(seed))).collect();
    let mut client = (1..).map(|host| from(&format!("192.0.2.{host}")));
    for session in &sessions[..5] {
        let act = Operation::ConfirmPassword { account: &account, session };
        quotas.charge(act, &client.next().unwrap()).await.unwrap();
        quotas.charge(act, &client.next().unwrap()).await.unwrap();
        assert_eq!(quotas.charge(act, &client.next().unwrap()).await.unwrap_err().quota, Quota::Account);
    }
    // Five sessions have used up the limit of the account.
    let act = Operation::ConfirmPassword { account: &account, session: &sessions[5] };
    assert_eq!(quotas.charge(act, &client.next().unwrap()).await.unwrap_err().quota, Quota::Account);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limit_holds_under_concurrency() {
    let (quotas, ..) = single(&settings());
    let requests = (0..200).map(|_| {
        let quotas = quotas.clone();
        tokio::spawn(async move { quotas.charge(send(), &from("192.0.2.1")).await.is_ok() })
    });
    let mut granted = 0;
    for request in requests.collect::<Vec<_>>() {
        granted += u32::from(request.await.unwrap());
    }
    assert_eq!(granted, 10);
}

#[tokio::test]
async fn bf_11_prefix_is_throttled_before_the_fiftieth_send_until_codes_are_confirmed() {
    let (quotas, clock, _) = single(&guarded());
    let mut sent = 0;
    let refused = loop {
        match quotas.charge(send(), &from(&format!("192.0.2.{sent}"))).await {
            Ok(()) => sent += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(sent, 31, "the minimum number of sends, and one of the remaining rate");
    assert_eq!(refused, Refused { quota: Quota::DestinationPrefix, retry_at: clock.now() + Duration::from_secs(60) });
    assert_eq!(quotas.charge(Operation::SendCode { destination: Some("821013") }, &from("192.0.2.1")).await, Ok(()));
    for _ in 0..4 {
        assert!(quotas.charge(send(), &from("192.0.2.1")).await.is_err());
        quotas.count_confirmed(DESTINATION).await;
    }
    assert_eq!(quotas.charge(send(), &from("192.0.2.1")).await, Ok(()));
}

#[tokio::test]
async fn prefix_with_confirmations_is_never_throttled() {
    let (quotas, ..) = single(&guarded());
    for round in 0..1000 {
        assert_eq!(quotas.charge(send(), &from("192.0.2.1")).await, Ok(()));
        if round % 5 == 0 {
            quotas.count_confirmed(DESTINATION).await;
        }
    }
}

#[tokio::test]
async fn bf_11_unsent_charge_counts_only_against_the_client() {
    let limits = QuotaSettings {
        client_sends_per_minute: NonZeroU32::new(100),
        destination_hourly_sends: NonZeroU32::new(40),
        service_hourly_sends: NonZeroU32::new(40),
        ..guarded()
    };
    let (quotas, ..) = single(&limits);
    let caller = from("192.0.2.1");
    for _ in 0..100 {
        quotas.charge(send(), &caller).await.unwrap();
        quotas.refund_send(Some(DESTINATION), &caller).await;
    }
    assert_eq!(quotas.charge(send(), &caller).await.unwrap_err().quota, Quota::ClientAddress);
    for client in 0..29 {
        quotas.charge(send(), &from(&format!("192.0.2.{}", 100 + client))).await.unwrap();
    }
}
