//! TLS termination.

use platform::config::http::TlsFiles;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::server::{TestServer, read};

#[tokio::test]
async fn https_is_served_with_hsts() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let server = TestServer::with_config(&[], |http| http.tls = Some(TlsFiles { certificate, key })).await;
    let root = reqwest::Certificate::from_pem(cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let url = format!("https://localhost:{}/graphql?query=%7Bhello%7D", server.address.port());
    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("strict-transport-security"));
    assert_eq!(response.text().await.unwrap(), r#"{"data":{"hello":"world"}}"#);
    // Plain HTTP on the TLS port gets no usable response.
    assert!(!server.raw("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.contains("alive"));
}

#[tokio::test]
async fn invalid_certificate_files_are_rejected_by_name() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut settings = read(&[]);
    settings.tls = Some(TlsFiles { certificate: file.path().to_owned(), key: file.path().to_owned() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = countersign::http::server::Server::new(listener, axum::Router::new(), &settings, Default::default());
    assert!(refused.err().unwrap().starts_with("TLS_"));
}
