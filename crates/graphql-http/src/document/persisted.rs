//! Documents that are identified by a hash or a name: automatic persisted queries and trusted documents.
//!
//! Automatic persisted queries save bandwidth and are no protection: any client can store a document, so the store is
//! bounded, and stored documents must pass all limits again. Trusted documents are a fixed list that is created when
//! the app is built; other documents are not executed.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    document::descriptions,
    limit::Hint,
    refusal::{Code, Refusal},
    request::GraphqlRequest,
};

/// Where the documents of requests come from. Clones share the stored documents.
#[derive(Clone, Debug)]
pub struct Documents {
    source: Arc<Source>,
    setting: Option<&'static str>,
}

#[derive(Debug)]
enum Source {
    /// The request contains the document.
    Inline,
    /// The request contains the document once, and its hash afterwards (automatic persisted queries).
    Persisted(PersistedDocuments),
    /// The document must be in the manifest of trusted documents.
    Trusted(TrustedDocuments),
}

/// The document of a request.
#[derive(Debug)]
pub(crate) struct FoundDocument {
    pub text: Arc<str>,
    /// Whether the document is in the manifest. The operator trusts it, so the limits for documents do not apply.
    pub trusted: bool,
    /// The hash to store the document under, once it has passed the limits.
    pub store_as: Option<Hash>,
}

type Hash = [u8; 32];

impl Documents {
    /// Each request contains its document.
    pub fn inline() -> Self {
        Self { source: Arc::new(Source::Inline), setting: None }
    }

    /// Automatic persisted queries: a request contains the document or its hash. At most this many documents are kept.
    pub fn persisted(capacity: usize) -> Self {
        Self { source: Arc::new(Source::Persisted(PersistedDocuments::new(capacity))), setting: None }
    }

    /// Only these documents are executed.
    pub fn trusted(documents: TrustedDocuments) -> Self {
        Self { source: Arc::new(Source::Trusted(documents)), setting: None }
    }

    /// The name of the setting for trusted documents. It is shown to clients that identify a document by its name
    /// although there are no trusted documents.
    pub fn with_setting(self, name: &'static str) -> Self {
        Self { setting: Some(name), ..self }
    }

    /// Finds the document of a request.
    ///
    /// # Errors
    /// If there is no document, its name is unknown, or the hash does not match.
    pub(crate) fn find(&self, params: &mut GraphqlRequest) -> Result<FoundDocument, Refusal> {
        let text = params.query.take().map(Arc::<str>::from);
        let name = persisted_name(params)?;
        if let Source::Trusted(trusted) = &*self.source {
            return trusted.find(text.as_deref(), &[params.document_id.as_deref(), name]);
        }
        let hash = match name {
            Some(name) => Some(parse_hash(name).ok_or_else(invalid_hash)?),
            None => None,
        };
        let found = |text, keep| Ok(FoundDocument { text, trusted: false, store_as: keep });
        match (&*self.source, text, hash) {
            (Source::Persisted(_), Some(text), Some(hash)) if hash == digest(&text) => found(text, Some(hash)),
            (Source::Persisted(_), Some(_), Some(_)) => Err(Refusal::malformed("provided sha does not match query")),
            (Source::Persisted(kept), None, Some(hash)) => match kept.get(&hash) {
                Some(text) => found(text, None),
                None => Err(Refusal::document(Code::PersistedQueryNotFound, "PersistedQueryNotFound")),
            },
            (_, None, Some(_)) => {
                Err(Refusal::document(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"))
            }
            (_, Some(text), _) => found(text, None),
            (_, None, None) if params.document_id.is_some() => {
                let message = format!(
                    "Trusted documents are not configured{}, so documentId is not supported: send the query.",
                    Hint(self.setting)
                );
                Err(Refusal::malformed(message))
            }
            (_, None, None) => Err(Refusal::malformed("Missing parameter: query.")),
        }
    }

    /// Stores a document that has passed the limits.
    pub(crate) fn store(&self, found: &FoundDocument) {
        if let (Source::Persisted(kept), Some(hash)) = (&*self.source, found.store_as) {
            kept.insert(hash, found.text.clone());
        }
    }
}

fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// The name in `extensions.persistedQuery`, version 1. For trusted documents it can be any name of the manifest,
/// otherwise it is a hash.
fn persisted_name(params: &GraphqlRequest) -> Result<Option<&str>, Refusal> {
    let Some(persisted) = params.persisted_query() else { return Ok(None) };
    let first = match persisted.get("version") {
        None | Some(Value::Null) => true,
        Some(Value::String(version)) => version == "1",
        Some(version) => version.as_f64() == Some(1.0),
    };
    if !first {
        return Err(Refusal::malformed("Unsupported persisted query version"));
    }
    persisted.get("sha256Hash").and_then(Value::as_str).map(Some).ok_or_else(invalid_hash)
}

fn invalid_hash() -> Refusal {
    Refusal::malformed("persistedQuery.sha256Hash must be a SHA-256 hash in hexadecimal.")
}

/// Parses a hash, with or without the prefix that graphql-codegen writes (GraphQL over HTTP, "Persisted Documents").
fn parse_hash(name: &str) -> Option<Hash> {
    hex::decode(bare(name)).ok()?.try_into().ok()
}

fn bare(name: &str) -> &str {
    name.strip_prefix("sha256:").unwrap_or(name)
}

/// A bounded LRU cache of documents.
#[derive(Debug)]
struct PersistedDocuments {
    capacity: usize,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    documents: HashMap<Hash, (Arc<str>, u64)>,
    /// Number of uses so far; the document with the lowest number was used longest ago.
    uses: u64,
}

impl PersistedDocuments {
    fn new(capacity: usize) -> Self {
        Self { capacity, cache: Mutex::default() }
    }

    fn get(&self, hash: &Hash) -> Option<Arc<str>> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.uses += 1;
        let now = cache.uses;
        let (text, used) = cache.documents.get_mut(hash)?;
        *used = now;
        Some(text.clone())
    }

    fn insert(&self, hash: Hash, text: Arc<str>) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.uses += 1;
        let now = cache.uses;
        cache.documents.insert(hash, (text, now));
        if cache.documents.len() > self.capacity {
            // A scan of a few thousand numbers, only for new documents.
            let oldest = cache.documents.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| *hash);
            oldest.map(|hash| cache.documents.remove(&hash));
        }
    }
}

/// The trusted documents, by the names in the manifest.
#[derive(Debug)]
pub struct TrustedDocuments {
    by_name: HashMap<String, Arc<str>>,
    by_text: HashMap<Hash, Arc<str>>,
}

impl TrustedDocuments {
    /// Reads a manifest: an object of names and documents (graphql-codegen, Relay), or Apollo's format with an
    /// `operations` list of `id` and `body`.
    ///
    /// # Errors
    /// A message for the operator: what can't be read, and which document is not valid GraphQL.
    pub fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
        let manifest: Value = serde_json::from_str(&text).map_err(|error| format!("{shown} is not JSON: {error}"))?;
        Self::from_manifest(&manifest).map_err(|reason| format!("{shown}: {reason}"))
    }

    fn from_manifest(manifest: &Value) -> Result<Self, String> {
        let entries: Vec<(&str, &str)> =
            match (manifest.get("operations").and_then(Value::as_array), manifest.as_object()) {
                (Some(operations), _) => {
                    let entries =
                        operations.iter().map(|operation| Some((text(operation, "id")?, text(operation, "body")?)));
                    entries.collect::<Option<_>>().ok_or("each operation must have an id and a body")?
                }
                (None, Some(map)) => {
                    let entries = map.iter().map(|(name, text)| Some((name.as_str(), text.as_str()?)));
                    entries.collect::<Option<_>>().ok_or("each value must be the text of a document")?
                }
                (None, None) => return Err("a manifest must be an object of names and documents".to_owned()),
            };
        let mut trusted = Self { by_name: HashMap::new(), by_text: HashMap::new() };
        for (name, text) in entries {
            descriptions::parse(text).map_err(|_| format!("the document {name} is not GraphQL"))?;
            let text = Arc::<str>::from(text);
            trusted.by_text.insert(digest(&text), text.clone());
            trusted.by_name.insert(bare(name).to_owned(), text);
        }
        Ok(trusted)
    }

    /// Finds a document by its name in the manifest or by its hash; the first known name is used.
    fn find(&self, text: Option<&str>, names: &[Option<&str>]) -> Result<FoundDocument, Refusal> {
        let known = names.iter().flatten().find_map(|name| self.named(name));
        match known.or_else(|| self.by_text.get(&digest(text?))) {
            Some(text) => Ok(FoundDocument { text: text.clone(), trusted: true, store_as: None }),
            None if text.is_none() && names.iter().all(Option::is_none) => {
                Err(Refusal::malformed("Missing parameter: documentId."))
            }
            None => Err(Refusal::document(Code::Forbidden, "Only trusted documents may be executed.")),
        }
    }

    fn named(&self, name: &str) -> Option<&Arc<str>> {
        let by_hash = |hash: Hash| self.by_name.get(&hex::encode(hash)).or_else(|| self.by_text.get(&hash));
        self.by_name.get(bare(name)).or_else(|| by_hash(parse_hash(name)?))
    }
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

#[cfg(test)]
#[path = "persisted_tests.rs"]
mod tests;
