//! A configuration that is missing something or wrong: refused in time, by name, without a secret (OP-01, OP-02).

use std::time::Duration;

use super::child::{Plan, run_to_the_end, written};

const SECRET: &str = "Sup3rS3cretThatNobodyMaySee";

/// Settings and values that none of them can take.
const WRONG: &[(&str, &str)] = &[
    ("ENVIRONMENT", "staging"),
    ("LISTEN_ADDR", "nowhere"),
    ("PUBLIC_URL", "id.example.com"),
    ("CORS_ORIGINS", "app.example.com/path"),
    ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ("TRUSTED_PROXIES", "0.0.0.0/0"),
    ("TRUSTED_PROXIES", "::/0"),
    ("TRUSTED_PROXIES", "::ffff:0.0.0.0/96"),
    ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
    ("FORWARDED_HEADER", "x-real-ip"),
    ("SOCKETS_PER_ADDRESS", "0"),
    ("SOCKETS_PER_ACCOUNT", "0"),
    ("MAX_BODY", "1"),
    ("MAX_BATCH", "99"),
    ("EXECUTION_TIMEOUT", "soon"),
    ("SHUTDOWN_GRACE", "-1s"),
    ("TLS_CERT", "/nowhere/cert.pem"),
    ("TRUSTED_DOCUMENTS", "/nowhere/manifest.json"),
    ("DATABASE_URL", "mysql://root:Sup3rS3cretThatNobodyMaySee@localhost/db"),
    ("DATABASE_URL", "postgres://root:Sup3rS3cretThatNobodyMaySee@127.0.0.1:1/db"),
    ("DATABASE_MAX_CONNECTIONS", "many"),
    ("DATABASE_TIMEOUT", "0s"),
    ("DATABASE_WAIT", "forever"),
    ("AUTO_MIGRATE", "maybe"),
    ("SERVER_KEY", "Sup3rS3cretThatNobodyMaySee"),
    ("SERVER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("SERVER_KEYS_PREVIOUS", "Sup3rS3cretThatNobodyMaySee"),
    ("JWT_SECRET", "Sup3rS3cretThatNobodyMaySee"),
    ("JWT_SECRET", "your-256-bit-secret-your-256-bit-secret"),
    ("JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("JWT_SECRET", "12345678901234567890123456789012"),
    ("JWT_SECRET", "password1234password1234password1234"),
    ("JWT_SECRETS_PREVIOUS", "[\"12345678901234567890123456789012\"]"),
    ("JWT_SECRET_NEXT", "changeme-changeme-changeme-changeme"),
    (
        "JWT_PRIVATE_KEY_NEXT",
        "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\n-----END PRIVATE KEY-----",
    ),
    ("SERVER_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ("SERVER_KEY_NEXT", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("ATTESTATION_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("ATTESTATION_KEY_NEXT", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ("ATTESTATION_KEYS_PREVIOUS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("DELIVERY_WEBHOOK_SECRET", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("SOLAPI_WEBHOOK_TOKEN", "0123456789abcdef0123456789abcdef"),
    ("ATTESTATION_KEY", "Sup3rS3cretThatNobodyMaySee"),
    ("DEFAULT_REGION", "Korea"),
    ("ALLOWED_REGIONS", "KR,Korea"),
    // CL-01: a code has six characters or more. CL-03: one sent to a phone is dead after ten minutes at most.
    ("CODE_LENGTH", "5"),
    ("CODE_FORMAT", "emoji"),
    ("CODE_TTL", "11m"),
    ("CODE_TTL", "60s"),
    ("EMAIL_CODE_TTL", "2h"),
    ("CODE_MAX_ATTEMPTS", "100"),
    ("PROOF_TTL", "1d"),
    ("ACCOUNT_DISCLOSURE", "some"),
    ("CLIENT_SENDS_PER_MINUTE", "0"),
    ("CONTACT_DAILY_SENDS", "none"),
    ("RESEND_COOLDOWN", "2d"),
    ("QUOTA_TIME_ZONE", "Mars/Olympus"),
    ("PUMPING_MIN_CONVERSION", "2"),
    ("REDIS_URL", "http://:Sup3rS3cretThatNobodyMaySee@localhost"),
    ("DEFAULT_LOCALE", "fr"),
    ("MESSAGES_DIR", "/nowhere/messages"),
    ("TEST_CONTACTS", "+15005550100"),
    ("TEST_CONTACTS", "+821091234567=123456"),
    ("SMS_PROVIDER", "pigeon"),
    ("TWILIO_WEBHOOK_SECRET", "change-me"),
    ("SMS_PROVIDER", "twilio"),
    ("PROVIDER_TIMEOUT", "1h"),
    ("HISTORY_RETENTION", "1h"),
    ("AUDIT_RETENTION", "forever"),
    ("LOG", "info,countersign=loud"),
    ("LOG_FORMAT", "xml"),
    ("METRICS_ADDR", "9464"),
];

#[tokio::test]
async fn a_wrong_setting_is_refused_by_name() {
    let mut wrong = Vec::new();
    let base = Plan::new().await;
    // What this machine takes to read a configuration and do nothing else.
    let bound = (run_to_the_end(&base, &["--check-config"]).2 * 10).max(Duration::from_secs(5));
    for (name, value) in WRONG {
        let plan = base.beside().with("DATABASE_WAIT", "0s").with(name, value);
        let (status, said, mut took) = run_to_the_end(&plan, &["serve"]);
        // A machine that is busy with other tests may hold one start up, but not three.
        for _ in 0..2 {
            if took > bound {
                took = took.min(run_to_the_end(&plan, &["serve"]).2);
            }
        }
        let reasons = [
            (status.success() || status.code().is_none(), "it did not refuse"),
            (!said.contains(&name[..name.len().min(12)]), "it does not name the variable"),
            (said.contains(SECRET), "it shows a secret"),
            (said.contains("panicked"), "it panicked"),
            (took > bound, "it took too long"),
        ];
        wrong.extend(
            reasons.iter().filter(|(is_so, _)| *is_so).map(|(_, why)| format!("{name}={value}: {why}\n{said}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `--check-config` says the same of what can be judged without opening anything, and changes nothing.
#[tokio::test]
async fn check_config_says_the_same_without_side_effects() {
    let mut wrong = Vec::new();
    // Whether a server answers is for `doctor` to say.
    let reachable = WRONG.iter().filter(|(_, value)| !value.contains("127.0.0.1:1/"));
    let base = Plan::new().await;
    for (name, value) in reachable {
        let plan = base.beside().with(name, value);
        let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
        if status.success() || !said.contains(&name[..name.len().min(12)]) || said.contains(SECRET) {
            wrong.push(format!("{name}={value}: {status}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let plan = Plan::new().await.without("DATABASE_URL").without("SERVER_KEY");
    let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
    assert!(status.success(), "{said}");
    assert_eq!(std::fs::read_dir(plan.data.path()).unwrap().count(), 0, "it made something");
}

/// With a server database nothing is made up: what is missing is named, all of it at once.
#[tokio::test]
async fn a_server_database_asks_for_every_key() {
    let plan = Plan::new()
        .await
        .with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere")
        .without("SERVER_KEY")
        .without("JWT_SECRET")
        .without("ATTESTATION_KEY");
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(!status.success());
    for name in ["SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"] {
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// CL-08: a provider that shows every code does not start in production.
#[tokio::test]
async fn production_refuses_the_development_provider() {
    let plan = Plan::new().await.with("ENVIRONMENT", "production");
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(!status.success() && said.contains("SMS_PROVIDER"), "{said}");
}

/// A name that is one slip away from a setting's, and a secret given twice or to be read by everybody (OP-03).
#[tokio::test]
async fn slips_are_refused() {
    let plan = Plan::new().await.with("CODE_LENGHT", "8");
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(!status.success() && said.contains("did you mean CODE_LENGTH"), "{said}");
    let plan = Plan::new().await;
    // Not in the folder for temporary files, which may be in memory, as mounted secrets are.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = written(folder.path(), "jwt", SECRET);
    let plan = plan.with("JWT_SECRET_FILE", &file);
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(!status.success() && said.contains("JWT_SECRET: given twice") && !said.contains(SECRET), "{said}");
    let plan = plan.without("JWT_SECRET");
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(
        !status.success() && said.contains("can be read by every user (mode 0644): chmod") && !said.contains(SECRET),
        "{said}"
    );
}
