//! Renewal of the TLS certificate while the server runs.

use std::{os::unix::fs::PermissionsExt, path::Path};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::child::{Child, ChildConfig, write_file};
use crate::support::TEST_TIMEOUT;

/// Writes a new key pair and returns its certificate.
fn renew(folder: &Path) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = write_file(folder, "key.pem", &signing_key.serialize_pem());
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).unwrap();
    write_file(folder, "cert.pem", &cert.pem());
    cert.pem()
}

/// Whether a new connection uses this certificate.
async fn serves(config: &ChildConfig, certificate: &str) -> bool {
    let root = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let (_, port) = config.vars["LISTEN_ADDR"].rsplit_once(':').unwrap();
    let response = client.get(format!("https://localhost:{port}/healthz")).timeout(TEST_TIMEOUT).send().await;
    response.is_ok_and(|response| response.status() == 200)
}

async fn until_served(config: &ChildConfig, certificate: &str) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while !serves(config, certificate).await {
        assert!(tokio::time::Instant::now() < deadline, "{}", config.log_text());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn until_logged(config: &ChildConfig, what: &str) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while !config.log_text().contains(what) {
        assert!(tokio::time::Instant::now() < deadline, "{what}: {}", config.log_text());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// The certificate is reloaded on SIGHUP and periodically. If the new files are invalid, the current
/// certificate stays in use.
#[tokio::test]
async fn renewed_certificate_is_used_without_a_restart() {
    let config = ChildConfig::new().await;
    let folder = config.data.path().to_owned();
    let first = renew(&folder);
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let config = config.with("TLS_CERT", &at("cert.pem")).with("TLS_KEY", &at("key.pem"));
    let child: Child = config.spawn();
    until_served(&config, &first).await;

    let second = renew(&folder);
    child.signal("HUP");
    until_served(&config, &second).await;
    assert!(!serves(&config, &first).await);

    // The key of another certificate.
    let kept = std::fs::read(folder.join("cert.pem")).unwrap();
    renew(&folder);
    std::fs::write(folder.join("cert.pem"), kept).unwrap();
    child.signal("HUP");
    until_logged(&config, "keeping the current TLS certificate: TLS_CERT and TLS_KEY").await;
    assert!(serves(&config, &second).await);

    // Without a signal, as when a mounted secret changes.
    let third = renew(&folder);
    until_served(&config, &third).await;
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());
}

/// SIGHUP does not end the process, even without a certificate to reload.
#[tokio::test]
async fn sighup_does_not_end_the_process() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    child.signal("HUP");
    until_logged(&config, "no TLS certificate is configured").await;
    assert_eq!(child.http.get(format!("{}/readyz", child.url)).send().await.unwrap().status(), 200);
}
