//! A certificate that is renewed while the program serves.

use std::{os::unix::fs::PermissionsExt, path::Path};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::child::{Child, Plan, written};
use crate::support::PATIENCE;

/// Writes a new pair, and returns its certificate.
fn renew(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = written(folder, "key.pem", &signing_key.serialize_pem());
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    written(folder, "cert.pem", &cert.pem());
    cert.pem()
}

/// Whether a new connection is made with this certificate.
async fn serves(plan: &Plan, certificate: &str) -> bool {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let (_, port) = plan.vars["LISTEN_ADDR"].rsplit_once(':').unwrap();
    let answer = client.get(format!("https://localhost:{port}/healthz")).timeout(PATIENCE).send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

async fn until_served(plan: &Plan, certificate: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !serves(plan, certificate).await {
        assert!(tokio::time::Instant::now() < deadline, "{}", plan.logged());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn until_logged(plan: &Plan, what: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !plan.logged().contains(what) {
        assert!(tokio::time::Instant::now() < deadline, "{what}: {}", plan.logged());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Case 9: it is read again on SIGHUP and by itself, and a broken one leaves the one before in use.
#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let plan = Plan::new().await;
    let folder = plan.data.path().to_owned();
    let first = renew(&folder);
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let plan = plan.with("TLS_CERT", &at("cert.pem")).with("TLS_KEY", &at("key.pem"));
    let child: Child = plan.begin();
    until_served(&plan, &first).await;

    let second = renew(&folder);
    child.signal("HUP");
    until_served(&plan, &second).await;
    assert!(!serves(&plan, &first).await);

    // A key of another certificate.
    let kept = std::fs::read(folder.join("cert.pem")).unwrap();
    renew(&folder);
    std::fs::write(folder.join("cert.pem"), kept).unwrap();
    child.signal("HUP");
    until_logged(&plan, "keeping the current TLS certificate: TLS_CERT and TLS_KEY").await;
    assert!(serves(&plan, &second).await);

    // Without a signal, as a volume of secrets changes.
    let third = renew(&folder);
    until_served(&plan, &third).await;
    child.signal("TERM");
    assert!(child.ended_within(PATIENCE).await.success());
}

/// Case 9: a signal to reload ends nothing, where there is nothing to reload either.
#[tokio::test]
async fn a_hangup_ends_nothing() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    child.signal("HUP");
    until_logged(&plan, "no certificate to read again").await;
    assert_eq!(child.http.get(format!("{}/readyz", child.url)).send().await.unwrap().status(), 200);
}
