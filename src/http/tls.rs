//! TLS termination (`TLS_CERT`, `TLS_KEY`) with rustls. Both files are read again when they change, so that a renewed
//! certificate is used without a restart.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;

use platform::config::http::TlsFiles;

/// How often the files are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// The current certificate and key. Cheap to clone.
#[derive(Clone)]
pub struct Tls(Arc<TlsState>);

struct TlsState {
    files: TlsFiles,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// The certificate that handshakes use.
#[derive(Debug)]
struct Current(RwLock<Loaded>);

#[derive(Debug)]
struct Loaded {
    pair: Arc<CertifiedKey>,
    /// The content that was read last, even if it was not usable, so that a broken pair is reported only once.
    read: Read,
}

/// Content of both files.
#[derive(PartialEq, Eq)]
struct Read {
    certificate: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Tls {
    /// Loads certificate and key.
    ///
    /// # Errors
    /// A message for the operator that names the setting.
    pub fn open(files: &TlsFiles) -> Result<Self, String> {
        let read = read(files)?;
        let pair = Arc::new(pair(files, &read)?);
        let current = Arc::new(Current(RwLock::new(Loaded { pair, read })));
        // Set explicitly instead of using the process default, because other crates may install a second provider.
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self(Arc::new(TlsState { files: files.clone(), current, acceptor })))
    }

    /// An acceptor that uses the certificate that is current at each handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.0.acceptor.clone()
    }

    /// Reads both files again. If a changed pair can't be used, the previous one stays in use, and the error is logged
    /// once.
    pub fn reload(&self) {
        let TlsState { files, current, .. } = &*self.0;
        let read = match read(files) {
            Ok(read) => read,
            // A file that is being replaced may be missing for a moment; the next check finds it.
            Err(reason) => return tracing::warn!("keeping the current TLS certificate: {reason}"),
        };
        let mut loaded = current.0.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.read == read {
            return;
        }
        match pair(files, &read) {
            Ok(pair) => {
                loaded.pair = Arc::new(pair);
                tracing::info!("TLS certificate reloaded from {}", files.certificate.display());
            }
            Err(reason) => tracing::error!("keeping the current TLS certificate: {reason}"),
        }
        loaded.read = read;
    }

    /// Checks the files periodically.
    pub async fn keep_current(self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            let tls = self.clone();
            // A panic in the reload must not end this task.
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
    }
}

fn read(files: &TlsFiles) -> Result<Read, String> {
    let certificate = std::fs::read(&files.certificate)
        .map_err(|error| format!("TLS_CERT: can't read {}: {error}", files.certificate.display()))?;
    let key =
        std::fs::read(&files.key).map_err(|error| format!("TLS_KEY: can't read {}: {error}", files.key.display()))?;
    Ok(Read { certificate, key: key.into() })
}

fn pair(files: &TlsFiles, read: &Read) -> Result<CertifiedKey, String> {
    let certificate = files.certificate.display();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read.certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("TLS_CERT: can't read certificates from {certificate}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("TLS_CERT: no certificate in {certificate}"));
    }
    let key = PrivateKeyDer::from_pem_slice(&read.key)
        .map_err(|error| format!("TLS_KEY: can't read a private key from {}: {error}", files.key.display()))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("TLS_CERT and TLS_KEY don't belong together: {error}"))
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).pair))
    }
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Read")
    }
}
