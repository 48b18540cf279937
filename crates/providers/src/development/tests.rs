use std::{fs, io::Write, path::Path, sync::Arc, time::Duration};

use chrono::DateTime;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use domain::{
    contact::{Contact, ContactKind},
    ids::DeliveryId,
    locale::Locale,
};
use platform::{clock::Entropy, config::Secret};

const CODE: &str = "048213";

/// The provider of one process, and its outbox.
fn development(folder: &Path) -> (Development, DevOutbox) {
    let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
    let outbox = DevOutbox::open(folder).unwrap();
    (Development::new(Some(outbox.clone()), clock, Receipts::None), outbox)
}

fn outgoing(seed: u64, kind: ContactKind, to: &str) -> Outgoing {
    Outgoing {
        id: DeliveryId::new(&Entropy::seeded(seed)),
        channel: if kind == ContactKind::Phone { Channel::Sms } else { Channel::Email },
        to: Contact::from_stored(kind, to).unwrap(),
        text: Secret::new(format!("[예시] 인증번호 {CODE}")),
        subject: None,
        html: None,
        code: Some(Secret::new(CODE)),
        locale: Locale::Ko,
        ttl: Duration::from_secs(300),
    }
}

fn to_phone(seed: u64) -> Outgoing {
    outgoing(seed, ContactKind::Phone, "+821012345678")
}

async fn texts(outbox: &DevOutbox, filter: Filter) -> Vec<String> {
    outbox.list(filter).await.unwrap().iter().map(|message| message.to.clone()).collect()
}

fn to(contact: &str) -> Filter {
    Filter { to: Some(contact.to_owned()), limit: None }
}

#[tokio::test]
async fn a_message_is_in_the_file_and_in_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    let message = to_phone(1);
    assert!(matches!(provider.send(&message).await, Outcome::Accepted { .. }));

    let file = fs::read_to_string(folder.path().join("outbox.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(&file).unwrap();
    let expected = serde_json::json!({
        "id": message.id.as_str(), "createdAt": "1970-01-01T00:00:00.000Z", "channel": "SMS", "to": "+821012345678",
        "subject": null, "text": "[예시] 인증번호 048213", "code": "048213",
    });
    assert_eq!(line, expected);
    let listed = outbox.list(Filter::default()).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|message| serde_json::to_value(message.as_ref()).unwrap()).collect();
    assert_eq!(listed, [expected]);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_readable_only_by_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    development(folder.path()).0.send(&to_phone(1)).await;
    let mode = fs::metadata(folder.path().join("outbox.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_message_resent_with_the_same_id_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let ((one, _), (other, _)) = (development(folder.path()), development(folder.path()));
    let message = to_phone(1);
    let sends = (0..20).map(|turn| if turn % 2 == 0 { one.send(&message) } else { other.send(&message) });
    for outcome in futures_util::future::join_all(sends).await {
        assert!(matches!(outcome, Outcome::Accepted { .. }));
    }
    assert_eq!(fs::read_to_string(folder.path().join("outbox.jsonl")).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn processes_that_share_the_folder_see_all_messages() {
    let folder = tempfile::tempdir().unwrap();
    let ((one, one_outbox), (other, other_outbox)) = (development(folder.path()), development(folder.path()));
    let numbers: Vec<_> = (0..30).map(|n| format!("+8210123400{n:02}")).collect();
    for (seed, number) in numbers.iter().enumerate() {
        let provider = if seed % 2 == 0 { &one } else { &other };
        provider.send(&outgoing(seed as u64, ContactKind::Phone, number)).await;
    }
    let newest_first: Vec<_> = numbers.into_iter().rev().collect();
    let later = DevOutbox::open(folder.path()).unwrap();
    for outbox in [&one_outbox, &other_outbox, &later] {
        assert_eq!(texts(outbox, Filter::default()).await, newest_first);
        assert_eq!(texts(outbox, Filter { to: None, limit: Some(2) }).await, newest_first[..2]);
    }
}

#[tokio::test]
async fn the_list_can_be_filtered_by_contact_in_any_notation() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    for (seed, kind, contact) in [
        (1, ContactKind::Phone, "+821012345678"),
        (2, ContactKind::Phone, "+12015550123"),
        (3, ContactKind::Email, "Somebody@example.com"),
    ] {
        provider.send(&outgoing(seed, kind, contact)).await;
    }
    for wanted in ["+821012345678", " 821012345678", "010-1234-5678", "+82 10 1234 5678"] {
        assert_eq!(texts(&outbox, to(wanted)).await, ["+821012345678"], "{wanted}");
    }
    assert_eq!(texts(&outbox, to("somebody@EXAMPLE.com")).await, ["Somebody@example.com"]);
    assert_eq!(texts(&outbox, to("+821000000000")).await, [""; 0]);
    assert_eq!(texts(&outbox, to("somebody")).await, [""; 0]);
    assert_eq!(texts(&outbox, to("")).await.len(), 3);
}

#[tokio::test]
async fn an_incomplete_line_does_not_affect_other_messages() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    provider.send(&to_phone(1)).await;
    let path = folder.path().join("outbox.jsonl");
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"id\":\"dlv_torn").unwrap();
    provider.send(&to_phone(2)).await;
    provider.send(&to_phone(3)).await;
    for outbox in [&outbox, &DevOutbox::open(folder.path()).unwrap()] {
        assert_eq!(outbox.list(Filter::default()).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn the_newest_ten_thousand_messages_are_kept_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let line = |n: u32| {
        format!(
            "{{\"id\":\"{n}\",\"createdAt\":\"\",\"channel\":\"SMS\",\"to\":\"+82\",\"subject\":null,\"text\":\"\",\"code\":null}}\n"
        )
    };
    fs::write(folder.path().join("outbox.jsonl"), (0..10_005).map(line).collect::<String>()).unwrap();
    let listed = DevOutbox::open(folder.path()).unwrap().list(Filter::default()).await.unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str(), listed[9_999].id.as_str()), (10_000, "10004", "5"));
}

#[tokio::test]
async fn an_emptied_file_empties_the_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    provider.send(&to_phone(1)).await;
    fs::remove_file(folder.path().join("outbox.jsonl")).unwrap();
    assert_eq!(outbox.list(Filter::default()).await.unwrap().len(), 0);
    provider.send(&to_phone(1)).await;
    assert_eq!(outbox.list(Filter::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn changed_returns_on_a_new_message_and_on_close() {
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    let empty = outbox.changed(None).await;
    assert_eq!(empty, Some(0));
    let watcher = tokio::spawn({
        let outbox = DevOutbox::open(folder.path()).unwrap();
        async move { outbox.changed(empty).await }
    });
    provider.send(&to_phone(1)).await;
    let length = watcher.await.unwrap();
    assert_ne!(length, empty);
    let waiting = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.changed(length).await }
    });
    outbox.close();
    assert_eq!(waiting.await.unwrap(), None);
}

#[derive(Clone, Default)]
struct Captured(Arc<std::sync::Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_line_contains_no_code_text_or_full_contact() {
    let captured = Captured::default();
    // With a single subscriber, tracing caches the interest of the first thread; a thread of another test has no
    // subscriber and would disable this call site for all. With two subscribers it checks both.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(captured.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = tempfile::tempdir().unwrap();
    let (provider, outbox) = development(folder.path());
    let message = to_phone(1);
    provider.send(&message).await;
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("message captured in the outbox"), "{log}");
    for secret in [CODE, "인증번호", "1012345678", message.id.as_str()] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    let listed = outbox.list(Filter::default()).await.unwrap();
    assert!(!format!("{listed:?}").contains(CODE));
}
