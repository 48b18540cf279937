//! TLS ended here (`TLS_CERT`, `TLS_KEY`), by rustls.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::http::TlsFiles;

/// Loads certificate and key.
///
/// # Errors
/// Words for the operator, naming the variable.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, String> {
    let certificate = files.certificate.display();
    let chain: Vec<_> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("TLS_CERT: can't read certificates from {certificate}: {error}"))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| format!("TLS_KEY: can't read a private key from {}: {error}", files.key.display()))?;
    // Named, and not the process's default: other crates in the tree may bring a second provider.
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| format!("TLS_CERT and TLS_KEY don't belong together: {error}"))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
