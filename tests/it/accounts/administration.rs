//! Operations of administrators, which other accounts cannot use.

use countersign::{
    account::{Accounts, OperatorOutcome},
    app,
};
use domain::{account::Role, contact::NumberRules};
use serde_json::{Value, json};

use crate::support::{Account, PASSWORD, Setup, SignedIn, TestApp};

impl TestApp {
    /// Makes the account an administrator, like `countersign admin grant`, and signs in again.
    pub(super) async fn promote(&self, username: &str) -> SignedIn {
        self.grant(username).await;
        SignedIn::of(&self.anonymous().sign_in_as(username).await)
    }

    /// Makes the account an administrator. Its sessions are ended.
    pub(super) async fn grant(&self, who: &str) {
        let (accounts, numbers) = self.console().await;
        let granted = accounts.grant("test".into(), who, numbers, Role::Admin).await.unwrap();
        assert!(matches!(granted, OperatorOutcome::Done(_)), "{granted:?}");
    }

    /// Like `countersign admin unlock`.
    pub(super) async fn unlock(&self, who: &str) {
        let (accounts, region) = self.console().await;
        let unlocked = accounts.unlock_by_operator("test".into(), who, region).await.unwrap();
        assert!(matches!(unlocked, OperatorOutcome::Done(_)), "{unlocked:?}");
    }

    /// Like `countersign admin suspend`.
    pub(super) async fn suspend(&self, who: &str) -> OperatorOutcome {
        let (accounts, numbers) = self.console().await;
        accounts.suspend("test".into(), who, numbers).await.unwrap()
    }

    async fn console(&self) -> (Accounts, NumberRules) {
        let settings = app::Settings::from_vars(self.vars().clone()).unwrap_or_else(|refusals| panic!("{refusals:?}"));
        let numbers = settings.config.contacts.numbers;
        (app::accounts(settings, self.world()).await.unwrap(), numbers)
    }
}

async fn set_status(app: &TestApp, who: &SignedIn, id: &Value, status: &str) -> Value {
    app.client_for(who).set_account_status(id, status).await
}

#[tokio::test]
async fn gq_05_administration_is_for_administrators() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", "+821012345678").await;
    let documents = [
        "{ users { nodes { id } } }",
        "{ verificationReport(from: \"2026-03-01T00:00:00Z\", to: \"2026-03-03T00:00:00Z\") { requested } }",
        "mutation { setAccountStatus(input: { id: \"acc_x\", status: SUSPENDED }) { __typename } }",
        "mutation { unlockAccount(input: { id: \"acc_x\" }) { __typename } }",
        "mutation { endUserSessions(input: { id: \"acc_x\" }) { __typename } }",
    ];
    for document in documents {
        let code = |response: Value| response["errors"][0]["extensions"]["code"].clone();
        assert_eq!(code(app.anonymous().execute(document, json!({})).await), "UNAUTHENTICATED", "{document}");
        assert_eq!(code(app.client_for(&hong).execute(document, json!({})).await), "FORBIDDEN", "{document}");
    }
    app.stop().await;
}

/// Neither by a list, nor by a cursor, nor by an id. (Proofs of another account: `changes.rs`; operations after the
/// session ended: `tokens.rs`.)
#[tokio::test]
async fn gq_05_account_cannot_see_or_end_anything_of_another() {
    const LISTS: &str = "query($s: String, $v: String, $first: Int = 1) { me {
        sessions(first: $first, after: $s) { nodes { id } pageInfo { endCursor } }
        verifications(first: $first, after: $v) { nodes { id } pageInfo { endCursor } } } }";
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", "+821012345678").await;
    app.anonymous().sign_in_as("hong").await;
    let (hong, kim) = (app.client_for(&hong), app.client_for(&app.signed_up("kim", "+821099990000").await));
    for (contact, client) in [("+821012340001", &hong), ("+821099990001", &kim)] {
        app.proof(client, "PHONE_CHANGE", contact).await;
    }
    let lists = |client: crate::support::ApiClient, from: Value| async move { client.execute(LISTS, from).await };
    let of_hong = lists(hong.clone(), json!({})).await["data"]["me"].take();
    let (sessions, verifications) = (&of_hong["sessions"], &of_hong["verifications"]);
    assert!(sessions["nodes"][0]["id"].is_string() && verifications["nodes"][0]["id"].is_string(), "{of_hong:#}");
    let cursors = json!({ "s": sessions["pageInfo"]["endCursor"], "v": verifications["pageInfo"]["endCursor"] });

    // Hong's cursors page only through Hong's lists, and for Kim only through Kim's.
    let further = lists(hong.clone(), cursors.clone()).await["data"]["me"].take();
    assert!(further["sessions"]["nodes"][0]["id"].is_string(), "{further:#}");
    let ids = |response: &Value| -> Vec<String> {
        let nodes = |list: &str| response["data"]["me"][list]["nodes"].as_array().cloned().unwrap_or_default();
        let ids = nodes("sessions").into_iter().chain(nodes("verifications"));
        ids.map(|node| node["id"].as_str().unwrap().to_owned()).collect()
    };
    let own = ids(&lists(kim.clone(), json!({ "first": 20 })).await);
    assert_eq!(own.len(), 3, "a session, a sign-up and a change of phone");
    for id in ids(&lists(kim.clone(), cursors).await) {
        assert!(own.contains(&id), "{id} is not Kim's");
    }
    for page in [&of_hong, &further] {
        let ended = kim.revoke_session(&page["sessions"]["nodes"][0]["id"]).await;
        assert_eq!(ended["__typename"], "SessionNotFound");
    }
    assert_eq!(hong.me().await["sessions"]["nodes"].as_array().unwrap().len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn administrator_can_suspend_but_not_the_last_administrator() {
    let app = TestApp::start().await;
    app.signed_up("boss", "+821012345678").await;
    let kim = app.signed_up("kim", "+821099990000").await;
    let admin = app.promote("boss").await;
    assert_eq!(set_status(&app, &admin, &kim.user["id"], "SUSPENDED").await["user"]["status"], "SUSPENDED");
    assert_eq!(app.client_for(&kim).me().await, Value::Null);
    assert_eq!(app.anonymous().refresh(&kim.refresh).await["reason"], "REVOKED");
    let refused = app.anonymous().sign_in_as("kim").await;
    assert_eq!((&refused["__typename"], &refused["status"]), (&json!("AccountNotActive"), &json!("SUSPENDED")));
    assert_eq!(set_status(&app, &admin, &kim.user["id"], "ACTIVE").await["user"]["status"], "ACTIVE");
    assert_eq!(app.anonymous().sign_in_as("kim").await["__typename"], "SignInPayload");

    let unset = set_status(&app, &admin, &kim.user["id"], "PENDING_VERIFICATION").await;
    assert_eq!(unset["fields"][0]["reason"], "not_a_status_to_set");
    assert_eq!(set_status(&app, &admin, &json!("acc_x"), "ACTIVE").await["__typename"], "UserNotFound");
    assert_eq!(set_status(&app, &admin, &admin.user["id"], "SUSPENDED").await["__typename"], "LastAdministrator");
    assert_eq!(app.client_for(&admin).delete_account(PASSWORD).await["__typename"], "LastAdministrator");
    let kim = app.promote("kim").await;
    assert_eq!(set_status(&app, &kim, &admin.user["id"], "SUSPENDED").await["user"]["status"], "SUSPENDED");
    assert_eq!(set_status(&app, &kim, &kim.user["id"], "SUSPENDED").await["__typename"], "LastAdministrator");
    app.stop().await;
}

#[tokio::test]
async fn users_are_found_and_paged() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.signed_up(&format!("member_{number}x"), &format!("+82101111000{number}")).await;
        app.advance(std::time::Duration::from_secs(1));
    }
    let admin = app.promote("member_0x").await;
    let execute = |arguments: &str| {
        let client = app.client_for(&admin);
        let query = format!(
            "{{ users({arguments}) {{ nodes {{ username }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"
        );
        async move { client.data(&query, json!({})).await["users"].take() }
    };
    let names = |page: &Value| -> Vec<String> {
        page["nodes"].as_array().unwrap().iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
    };
    let first = execute("first: 2").await;
    assert_eq!(names(&first), ["member_4x", "member_3x"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let second = execute(&format!("first: 3, after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(names(&second), ["member_2x", "member_1x", "member_0x"]);
    assert_eq!(
        (&second["pageInfo"]["hasNextPage"], &second["pageInfo"]["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(names(&execute("search: \"R_3\"").await), ["member_3x"]);
    assert_eq!(names(&execute("search: \"010-1111-0002\"").await), ["member_2x"]);
    for unknown in ["%", "\\u0000", "--"] {
        assert_eq!(names(&execute(&format!("search: \"{unknown}\"")).await), Vec::<String>::new(), "{unknown}");
    }
    assert_eq!(names(&execute("status: SUSPENDED").await), Vec::<String>::new());
    let wrong = app.client_for(&admin).execute("{ users(after: \"x\") { nodes { id } } }", json!({})).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    app.stop().await;
}

#[tokio::test]
async fn report_counts_match_a_manual_count() {
    let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let client = app.anonymous();
    app.proof(&client, "CONTACT", "+821011110001").await;
    app.proof(&client, "CONTACT", "+821011110002").await;
    let locked = client.send_code_to("+821011110003").await;
    let code = app.code_sent_to("+821011110003").await;
    for _ in 0..5 {
        client.confirm(&locked["id"], if code == "000000" { "000001" } else { "000000" }).await;
    }
    client.send_code_to("+821011110004").await;
    app.messages_to("+821011110004", 1).await;
    // A reset for an unknown account sends nothing and is not counted.
    client.request_password_reset(json!({ "contact": { "phone": "+821055550000" } })).await;
    app.advance(std::time::Duration::from_secs(600));
    let query = "{ verificationReport(from: \"2026-03-01T15:00:00Z\", to: \"2026-03-02T15:00:00Z\", bucket: DAY) { \
         start purpose channel requested sent verified expired locked conversion } }";
    let report = app.client_for(&admin).data(query, json!({})).await["verificationReport"].take();
    let row = |purpose: &str, requested: i32, verified: i32, expired: i32, locked: i32, conversion: f64| {
        json!({
            "start": "2026-03-01T15:00:00.000Z", "purpose": purpose, "channel": "SMS", "requested": requested,
            "sent": requested, "verified": verified, "expired": expired, "locked": locked, "conversion": conversion,
        })
    };
    assert_eq!(report, json!([row("CONTACT", 4, 2, 1, 1, 0.5), row("SIGN_UP", 1, 1, 0, 0, 1.0)]));
    let backwards = "{ verificationReport(from: \"2026-03-02T00:00:00Z\", to: \"2026-03-01T00:00:00Z\") { sent } }";
    let refused = app.client_for(&admin).execute(backwards, json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    app.stop().await;
}

#[tokio::test]
async fn administrator_approves_and_unlocks_accounts() {
    let setup = Setup::new().await.with("LOCKOUT_ATTEMPTS", "3").with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited");
    let app = setup.with("APPROVAL", "admin").start().await;
    app.insert_accounts([Account::with_phone("+821012345678")]).await;
    let waiting = app.client_at("198.51.100.2");
    let proof = app.proof(&waiting, "SIGN_UP", "+821099990000").await;
    let kim = waiting.sign_up(json!({ "proofToken": proof, "username": "kim", "password": PASSWORD })).await;
    assert_eq!(waiting.sign_in_as("kim").await["status"], "PENDING_APPROVAL");
    let code = app.proof(&app.anonymous(), "SIGN_IN", "+821012345678").await;
    let admin = app.anonymous().sign_in_with_proof(&code).await;
    let id = admin["user"]["id"].as_str().unwrap();
    app.grant(id).await;
    app.advance(std::time::Duration::from_secs(61));
    let code = app.proof(&app.anonymous(), "SIGN_IN", "+821012345678").await;
    let admin = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&code).await));
    assert_eq!(admin.set_account_status(&kim["user"]["id"], "ACTIVE").await["user"]["status"], "ACTIVE");
    assert_eq!(waiting.sign_in_as("kim").await["__typename"], "SignInPayload");

    for _ in 0..3 {
        waiting.sign_in(json!({ "identifier": "kim", "password": "Wrong-pass-1" })).await;
    }
    assert_eq!(waiting.sign_in_as("kim").await["__typename"], "AccountLocked");
    assert_eq!(
        waiting.sign_in_as("010-9999-0000").await["__typename"],
        "CredentialsRejected",
        "locked, without a hint"
    );
    assert_eq!(admin.unlock_account(&json!("acc_x")).await["__typename"], "UserNotFound");
    let unknown = json!("acc_00000000000000000000000000");
    assert_eq!(admin.unlock_account(&unknown).await["__typename"], "UserNotFound");
    assert_eq!(admin.unlock_account(&kim["user"]["id"]).await["user"]["username"], "kim");
    for identifier in ["kim", "010-9999-0000"] {
        assert_eq!(waiting.sign_in_as(identifier).await["__typename"], "SignInPayload", "{identifier}");
    }
    // The counter starts again: the same number of wrong passwords is needed.
    for _ in 0..2 {
        waiting.sign_in(json!({ "identifier": "kim", "password": "Wrong-pass-1" })).await;
    }
    assert_eq!(waiting.sign_in_as("kim").await["__typename"], "SignInPayload");
    app.stop().await;
}
