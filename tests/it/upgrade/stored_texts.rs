//! Texts that tables hold (`tests/fixtures/stable_names.txt`): each one is read from a row of 73afa49, and no others are
//! written.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::{text, upgraded, upgraded_from};
use crate::{
    compatibility::stable_names,
    support::{ApiClient, TestApp, env_var},
};

/// The texts that a column may hold.
fn texts(column: &str) -> Vec<&'static str> {
    let names = stable_names();
    let texts = names["column text"].iter().filter_map(|line| line.strip_prefix(column)?.strip_prefix(' '));
    texts.collect()
}

/// Columns of a verification, and where the API shows their texts under the same names. The purpose is last: it decides
/// how much of a delivery is shown.
const VERIFICATION: [(&str, &str); 6] = [
    ("delivery_status", "/delivery/status"),
    ("delivery_failure", "/delivery/failure"),
    ("delivery_channel", "/delivery/channel"),
    ("code_format", "/codeFormat"),
    ("status", "/status"),
    ("purpose", "/purpose"),
];

#[tokio::test]
async fn texts_of_verifications_are_read() {
    let (app, held) = upgraded().await;
    let (person, id) = (app.client_at("127.0.0.1"), &held["open_verification"]["id"]);
    for (column, shown) in VERIFICATION {
        let texts = texts(&format!("verification.{column}"));
        assert!(texts.len() > 1, "{column}: {texts:?}");
        for expected in texts {
            let id = text(id);
            let update = format!("UPDATE verification SET {column} = '{expected}' WHERE id = '{id}' RETURNING id");
            app.column(update.leak()).await;
            let verification = person.verification(&json!(id)).await;
            assert_eq!(verification.pointer(shown), Some(&json!(expected)), "{column}: {verification:#}");
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn texts_of_accounts_are_read() {
    let (app, held) = upgraded().await;
    let user = "... on SignInPayload { user { status role } } ... on AccountNotActive { status }";
    let sign_in = json!({ "identifier": "minji", "password": "Winter-Garden-42" });
    let id = text(&held["minji"]["id"]);
    for role in texts("account.role") {
        app.column(format!("UPDATE account SET role = '{role}' WHERE id = '{id}' RETURNING id").leak()).await;
        let response = app.client_at("127.0.0.1").mutate("signIn", user, sign_in.clone()).await;
        assert_eq!(response["user"]["role"], role, "{response:#}");
    }
    for status in texts("account.status") {
        app.column(format!("UPDATE account SET status = '{status}' WHERE id = '{id}' RETURNING id").leak()).await;
        let response = app.client_at("127.0.0.1").mutate("signIn", user, sign_in.clone()).await;
        let shown = if status == "ACTIVE" { &response["user"]["status"] } else { &response["status"] };
        assert_eq!(shown, status, "{response:#}");
    }
    app.stop().await;
}

/// A row of 73afa49 for each content: a copy of a delivery, to a phone of its own.
fn queued(contents: &[String]) -> String {
    // A dump of PostgreSQL leaves no search path behind.
    let table = if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_some() { "public.delivery" } else { "delivery" };
    let copy = |(number, content): (usize, &String)| {
        format!(
            "\nINSERT INTO {table} (id, verification_id, kind, channel, contact_kind, contact, locale, content, decoy, \
             discreet, status, tries, refused, due_at, created_at, updated_at, expires_at) \
             SELECT 'dlv_{number:026}', NULL, kind, 'SMS', 'phone', '+8210555500{number:02}', locale, '{content}', decoy, \
             discreet, 'QUEUED', 0, refused, created_at, created_at, updated_at, '2999-01-01T00:00:00+00:00' \
             FROM {table} WHERE kind = 'contact_changed' AND contact_kind = 'phone' LIMIT 1;\n"
        )
    };
    contents.iter().enumerate().map(copy).collect()
}

/// Every notice that any version wrote is sent. Codes are in the fixture itself, since each needs its verification.
#[tokio::test]
async fn contents_of_deliveries_are_read() {
    let (app, _) = upgraded().await;
    let key_id = app.column("SELECT key_id FROM verification LIMIT 1").await.swap_remove(0);
    let change = app.column("SELECT id FROM contact_change WHERE contact_kind = 'phone' LIMIT 1").await.swap_remove(0);
    app.stop().await;
    let names = stable_names();
    let contents = names["delivery content"].iter().filter(|json| !json.starts_with("{\"code\""));
    let contents: Vec<_> = contents.map(|json| json.replace("KEY", &key_id).replace("CHANGE", &change)).collect();
    let (app, _) = upgraded_from(&queued(&contents)).await;
    for (number, content) in contents.iter().enumerate() {
        let sent = app.messages_to(&format!("+8210555500{number:02}"), 1).await;
        assert!(!text(&sent[0]["text"]).is_empty(), "{content}");
    }
    app.stop().await;
}

/// Members in place of values, but for the one text that says which notice it is.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match (name.as_str(), value) {
                ("notice", Value::String(_)) => (name.clone(), value.clone()),
                _ => (name.clone(), shape(value)),
            };
            members.iter().map(member).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        _ => Value::Null,
    }
}

fn shapes<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    texts.into_iter().map(|text| shape(&serde_json::from_str(text).unwrap()).to_string()).collect()
}

/// Acts that write deliveries, sessions, devices, locks and audit rows.
async fn acts(app: &TestApp, held: &Value) {
    let client = app.client_at("127.0.0.1");
    let signed_in = client.sign_in(json!({ "identifier": "hana", "password": "Winter-Garden-42" })).await;
    let holder = client.clone().with_token(text(&signed_in["tokens"]["accessToken"]));
    let changed = holder.change_password("Winter-Garden-42", "Autumn-Harvest-58").await;
    assert_eq!(changed["__typename"], "ChangePasswordPayload", "{changed:#}");
    let admin = client.clone().with_token(text(&held["administrator"]["access_token"]));
    let admin: ApiClient = app.client_from(&admin.reauthenticate(json!({ "password": "Winter-Garden-42" })).await);
    for status in ["ACTIVE", "SUSPENDED", "PENDING_APPROVAL"] {
        admin.set_account_status(&held["administrator"]["waiting"], status).await;
    }
    let unknown = json!({ "purpose": "SIGN_IN", "to": { "email": "unknown@example.com" } });
    client.send_code(unknown).await;
    let moved = app.proof(&holder, "PHONE_CHANGE", "+821012340099").await;
    let changed = holder.change_contact("changePhone", &moved).await;
    assert_eq!(changed["__typename"], "ChangeContactPayload", "{changed:#}");
    app.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn no_other_texts_are_written() {
    let (app, held) = upgraded().await;
    acts(&app, &held).await;
    let names = stable_names();
    let columns: BTreeSet<_> =
        names["column text"].iter().filter_map(|line| line.split_once(' ')).map(|it| it.0).collect();
    for column in columns {
        let (table, name) = column.split_once('.').unwrap();
        let query = format!("SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL").leak();
        let written = app.column(query).await;
        let written: BTreeSet<_> = written.iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect();
        let listed = texts(column).into_iter().map(str::to_owned).collect();
        let other: Vec<_> = written.difference(&listed).collect();
        assert!(other.is_empty(), "{column}: {other:?}");
    }
    for (kind, query) in [
        ("delivery content", "SELECT content FROM delivery"),
        ("process_keys.keys", "SELECT keys FROM process_keys"),
        ("password_census.schemes", "SELECT schemes FROM password_census"),
    ] {
        let written = app.column(query).await;
        assert!(!written.is_empty(), "{kind}");
        let (written, listed) = (shapes(written.iter().map(String::as_str)), shapes(names[kind].iter().copied()));
        let other: Vec<_> = written.difference(&listed).collect();
        assert!(other.is_empty(), "{kind}: {other:#?}");
    }
    app.stop().await;
}
