//! Personal names (W3C, "Personal names around the world"): which are accepted, why others are rejected, and which
//! spellings are equal when an identity is checked.

use serde_json::{Value, json};

use crate::support::{ApiClient, PASSWORD, Setup, TestApp};

const PHONE: &str = "+821012345678";
const BORN: &str = "1990-05-17";

/// Legal names, each with another spelling that is equal.
const NAMES: &[(&str, &str)] = &[
    ("홍길동", "홍 길동"),
    ("O", "o"),
    ("Homer J. Simpson", "HOMER J SIMPSON"),
    ("Gal·la", "Gal•la"),
    ("迪丽热巴·迪力木拉提", "迪丽热巴.迪力木拉提"),
    ("レオナルド・ディカプリオ", "ﾚｵﾅﾙﾄﾞ ﾃﾞｨｶﾌﾟﾘｵ"),
    ("‘t Hooft", "'t Hooft"),
    ("Ravi s/o Kumar", "Ravi S/O Kumar"),
    ("Martin Luther King, Jr.", "Martin Luther King Jr"),
    ("葛\u{E0100}城", "葛城"),
    ("John Smith III", "ＪＯＨＮ ＳＭＩＴＨ ＩＩＩ"),
    ("Jennifer 8. Lee", "Jennifer 8 Lee"),
    ("علی\u{200C}رضا", "علیرضا"),
    ("ක්\u{200D}රිෂාන්ත", "ක්රිෂාන්ත"),
    ("สมชาย ใจดี", "สมชายใจดี"),
    ("Işıl Yıldız", "IŞIL YILDIZ"),
    ("Kaʻiulani", "Ka'iulani"),
    ("Jean‐Luc Müller–Schmidt", "jean-luc mu\u{308}ller-schmidt"),
    ("김민준 (Kim Min-jun)", "김민준 Kim Min Jun"),
    ("John \"Jack\" Smith", "John “Jack” Smith"),
    ("Ulrich „Uli“", "Ulrich Uli"),
    (
        "Pablo Diego José Francisco de Paula Juan Nepomuceno María de los Remedios Cipriano de la Santísima Trinidad Ruiz y Picasso",
        "PABLO DIEGO JOSÉ FRANCISCO DE PAULA JUAN NEPOMUCENO MARÍA DE LOS REMEDIOS CIPRIANO DE LA SANTÍSIMA TRINIDAD RUIZ Y PICASSO",
    ),
];

async fn app_with_disclosure() -> TestApp {
    ["CONTACT_DAILY_SENDS", "CLIENT_SENDS_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"]
        .into_iter()
        .fold(Setup::new().await, |setup, quota| setup.with(quota, "unlimited"))
        .with("RESEND_COOLDOWN", "0s")
        .with("ACCOUNT_DISCLOSURE", "explicit")
        .start()
        .await
}

/// Signs up with this name.
async fn sign_up_named(app: &TestApp, name: &str) -> ApiClient {
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", PHONE).await;
    let input =
        json!({ "proofToken": proof, "username": "gildong", "password": PASSWORD, "name": name, "birthDate": BORN });
    let created = client.sign_up(input).await;
    assert_eq!(
        (&created["__typename"], &created["user"]["name"]),
        (&json!("SignUpPayload"), &json!(name)),
        "{created:#}"
    );
    let token = created["tokens"]["accessToken"].as_str().unwrap().to_owned();
    client.with_token(&token)
}

async fn request_reset(app: &TestApp, name: &str) -> Value {
    let identity = json!({ "identity": { "name": name, "birthDate": BORN, "phone": PHONE } });
    app.anonymous().request_password_reset(identity).await["__typename"].take()
}

#[tokio::test]
async fn legal_name_is_stored_as_typed_and_matches_other_spellings() {
    let app = app_with_disclosure().await;
    let owner = sign_up_named(&app, NAMES[0].0).await;
    for (name, other) in NAMES {
        let updated = owner.update_profile(json!({ "name": name })).await;
        assert_eq!(updated["user"]["name"], *name, "{updated:#}");
        for spelling in [name, other] {
            assert_eq!(request_reset(&app, spelling).await, "SendVerificationCodePayload", "{name}: {spelling}");
        }
        assert_eq!(request_reset(&app, &format!("{name} Other")).await, "IdentityNotFound", "{name}");
    }
    app.stop().await;
}

/// Another diacritic or another letter is another name.
#[tokio::test]
async fn different_name_does_not_match() {
    let app = app_with_disclosure().await;
    let owner = sign_up_named(&app, "José Müller").await;
    for other in ["Jose Müller", "José Muller", "José Mülle", "Jos"] {
        assert_eq!(request_reset(&app, other).await, "IdentityNotFound", "{other}");
    }
    owner.update_profile(json!({ "name": null })).await;
    assert_eq!(request_reset(&app, "José Müller").await, "IdentityNotFound");
    app.stop().await;
}

#[tokio::test]
async fn invalid_name_is_rejected_with_reason_and_limit() {
    let app = app_with_disclosure().await;
    let owner = sign_up_named(&app, "홍길동").await;
    let long = "가".repeat(151);
    for (name, reason) in [
        ("", "empty"),
        ("   ", "empty"),
        (long.as_str(), "too_long"),
        ("12345", "invalid_character"),
        ("Kim\nMin Jun", "invalid_character"),
        ("Kim\u{0}", "invalid_character"),
        ("Kim\u{202E}Min", "invalid_character"),
        ("Kim\u{2067}Min", "invalid_character"),
        ("<b>Kim</b>", "invalid_character"),
        ("http://evil.example/", "invalid_character"),
        ("Kim 👍", "invalid_character"),
        ("👍👍", "invalid_character"),
        ("\u{3164}\u{3164}", "invalid_character"),
        ("win at evil.com", "looks_like_link"),
    ] {
        let refused = owner.update_profile(json!({ "name": name })).await;
        let field = &refused["fields"][0];
        assert_eq!((field["path"].as_str(), field["reason"].as_str()), (Some("name"), Some(reason)), "{name:?}");
    }
    let update = "mutation($name: String) { updateProfile(input: { name: $name }) { ... on InvalidInput { fields { message } } } }";
    let refused = owner.data(update, json!({ "name": long })).await;
    let message = &refused["updateProfile"]["fields"][0]["message"];
    assert_eq!(message, "Please use at most 150 characters.");
    assert_eq!(owner.me().await["name"], "홍길동");
    app.stop().await;
}

/// Usernames and nicknames accept what languages need.
#[tokio::test]
async fn usernames_and_nicknames_accept_all_scripts() {
    let app = app_with_disclosure().await;
    let owner = sign_up_named(&app, "홍길동").await;
    for nickname in ["علی\u{200C}رضا", "葛\u{E0100}城", "1\u{FE0F}\u{20E3}등", "❤\u{FE0F}\u{200D}🔥"] {
        let updated = owner.update_profile(json!({ "nickname": nickname })).await;
        assert_eq!(updated["user"]["nickname"], nickname, "{updated:#}");
    }
    for hidden in ["ad\u{200D}min", "ab\u{E0100}", "ab\u{FE0F}"] {
        assert_eq!(
            owner.update_profile(json!({ "nickname": hidden })).await["fields"][0]["reason"],
            "invalid_character"
        );
    }
    for (username, available) in [("yıldız", json!(true)), ("præst", json!(true)), ("admın", Value::Null)] {
        let response = owner.available(json!({ "username": username })).await;
        assert_eq!(response["available"], available, "{username}: {response:#}");
    }
    app.stop().await;
}

/// An administrator finds an account by any spelling.
#[tokio::test]
async fn administrator_finds_a_name_in_another_spelling() {
    let app = app_with_disclosure().await;
    sign_up_named(&app, "Jean‐Luc O’Brien").await;
    let admin = app.client_for(&app.promote("gildong").await);
    let found = async |search: &str| {
        let query = "query($search: String) { users(search: $search) { nodes { username } } }";
        admin.data(query, json!({ "search": search })).await["users"]["nodes"].take()
    };
    for search in ["Jean‐Luc O’Brien", "jean-luc o'brien", "JEAN LUC", "obrien", "gildong"] {
        assert_eq!(found(search).await, json!([{ "username": "gildong" }]), "{search}");
    }
    for search in ["Jean Paul", "%", "o_brien"] {
        assert_eq!(found(search).await, json!([]), "{search}");
    }
    app.stop().await;
}
