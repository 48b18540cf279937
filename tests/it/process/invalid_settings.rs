//! Missing or invalid configuration is rejected quickly, by name and without showing a secret (OP-01, OP-02).

use std::time::Duration;

use super::child::{ChildConfig, run_timed, write_file};

const SECRET: &str = "Sup3rS3cretThatNobodyMaySee";

/// Settings and values that are invalid for each of them.
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
    // CL-01: a code has at least six characters. CL-03: a code sent to a phone expires after ten minutes at most.
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
async fn invalid_setting_is_rejected_by_name() {
    let mut wrong = Vec::new();
    let base = ChildConfig::new().await;
    // How long this machine takes to read a configuration and exit.
    let bound = (run_timed(&base, &["--check-config"]).2 * 10).max(Duration::from_secs(5));
    for (name, value) in WRONG {
        let config = base.second_process().with("DATABASE_WAIT", "0s").with(name, value);
        let (status, output, mut took) = run_timed(&config, &["serve"]);
        // A busy machine may delay one start, but not three in a row.
        for _ in 0..2 {
            if took > bound {
                took = took.min(run_timed(&config, &["serve"]).2);
            }
        }
        let reasons = [
            (status.success() || status.code().is_none(), "it was not rejected"),
            (!output.contains(&name[..name.len().min(12)]), "it does not name the variable"),
            (output.contains(SECRET), "it shows a secret"),
            (output.contains("panicked"), "it panicked"),
            (took > bound, "it took too long"),
        ];
        wrong.extend(
            reasons.iter().filter(|(is_so, _)| *is_so).map(|(_, reason)| format!("{name}={value}: {reason}\n{output}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `--check-config` reports the same for everything that can be checked without opening anything, and changes nothing.
#[tokio::test]
async fn check_config_reports_the_same_without_side_effects() {
    let mut wrong = Vec::new();
    // Only `doctor` checks whether a server responds.
    let reachable = WRONG.iter().filter(|(_, value)| !value.contains("127.0.0.1:1/"));
    let base = ChildConfig::new().await;
    for (name, value) in reachable {
        let config = base.second_process().with(name, value);
        let (status, output, _) = run_timed(&config, &["--check-config"]);
        if status.success() || !output.contains(&name[..name.len().min(12)]) || output.contains(SECRET) {
            wrong.push(format!("{name}={value}: {status}\n{output}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let config = ChildConfig::new().await.without("DATABASE_URL").without("SERVER_KEY");
    let (status, output, _) = run_timed(&config, &["--check-config"]);
    assert!(status.success(), "{output}");
    assert_eq!(std::fs::read_dir(config.data.path()).unwrap().count(), 0, "it created something");
}

/// With a server database no key is generated: all missing settings are reported at once.
#[tokio::test]
async fn server_database_requires_every_key() {
    let config = ChildConfig::new()
        .await
        .with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere")
        .without("SERVER_KEY")
        .without("JWT_SECRET")
        .without("ATTESTATION_KEY");
    let (status, output, _) = run_timed(&config, &["serve"]);
    assert!(!status.success());
    for name in ["SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY"] {
        assert!(output.contains(name), "{name}: {output}");
    }
}

/// CL-08: the development provider, which shows every code, does not start in production.
#[tokio::test]
async fn production_rejects_the_development_provider() {
    let config = ChildConfig::new().await.with("ENVIRONMENT", "production");
    let (status, output, _) = run_timed(&config, &["serve"]);
    assert!(!status.success() && output.contains("SMS_PROVIDER"), "{output}");
}

/// A misspelled setting name, a duplicate secret and a secret that every user can read (OP-03).
#[tokio::test]
async fn misspelled_duplicate_and_readable_settings_are_rejected() {
    let config = ChildConfig::new().await.with("CODE_LENGHT", "8");
    let (status, output, _) = run_timed(&config, &["serve"]);
    assert!(!status.success() && output.contains("did you mean CODE_LENGTH"), "{output}");
    let config = ChildConfig::new().await;
    // Not in the directory for temporary files, which may be a tmpfs like mounted secrets.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = write_file(folder.path(), "jwt", SECRET);
    let config = config.with("JWT_SECRET_FILE", &file);
    let (status, output, _) = run_timed(&config, &["serve"]);
    assert!(!status.success() && output.contains("JWT_SECRET: is set twice") && !output.contains(SECRET), "{output}");
    let config = config.without("JWT_SECRET");
    let (status, output, _) = run_timed(&config, &["serve"]);
    assert!(
        !status.success()
            && output.contains("can be read by every user (mode 0644): run chmod")
            && !output.contains(SECRET),
        "{output}"
    );
}
