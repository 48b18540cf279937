//! Documents that are named instead of spelt: automatic persisted queries and trusted documents.
//!
//! Automatic persisted queries save bandwidth and protect nothing: anybody may store a document, so what is stored is
//! bounded and passes every limit again. Trusted documents are the opposite: a list made when the app was built, and
//! nothing else runs.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::http::graphql::{
    descriptions,
    refusal::{Code, Refusal},
    request::Ask,
};

/// Where documents come from.
pub enum Documents {
    /// The request spells it.
    Spelt,
    /// The request spells it once, and names it afterwards.
    Kept(Kept),
    /// The manifest has it, or it does not run.
    Trusted(Trusted),
}

/// A document found for a request.
#[derive(Debug)]
pub struct Found {
    pub text: Arc<str>,
    /// From the manifest: whoever built the app vouches for it, so limits on documents don't apply.
    pub trusted: bool,
    /// To be kept under this hash once it has passed the limits.
    pub keep: Option<Hash>,
}

type Hash = [u8; 32];

impl Documents {
    /// The document that a request means.
    ///
    /// # Errors
    /// No document at all; an unknown name; a hash that is not the document's.
    pub fn find(&self, ask: &mut Ask) -> Result<Found, Refusal> {
        let text = ask.query.take().map(Arc::<str>::from);
        let name = asked_name(ask)?;
        if let Documents::Trusted(trusted) = self {
            return trusted.find(text.as_deref(), &[ask.document_id.as_deref(), name]);
        }
        let hash = match name {
            Some(name) => Some(hash_in(name).ok_or_else(no_hash)?),
            None => None,
        };
        let spelt = |text, keep| Ok(Found { text, trusted: false, keep });
        match (self, text, hash) {
            (Documents::Kept(_), Some(text), Some(hash)) if hash == digest(&text) => spelt(text, Some(hash)),
            (Documents::Kept(_), Some(_), Some(_)) => Err(Refusal::malformed("provided sha does not match query")),
            (Documents::Kept(kept), None, Some(hash)) => match kept.get(&hash) {
                Some(text) => spelt(text, None),
                None => Err(Refusal::document(Code::PersistedQueryNotFound, "PersistedQueryNotFound")),
            },
            (_, None, Some(_)) => {
                Err(Refusal::document(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"))
            }
            (_, Some(text), _) => spelt(text, None),
            (_, None, None) if ask.document_id.is_some() => {
                let message = "documentId names a document of a published list, and there is none here \
                               (TRUSTED_DOCUMENTS): send the query.";
                Err(Refusal::malformed(message))
            }
            (_, None, None) => Err(Refusal::malformed("The parameter query is missing.")),
        }
    }

    /// Keeps a document that has passed the limits.
    pub fn keep(&self, found: &Found) {
        if let (Documents::Kept(kept), Some(hash)) = (self, found.keep) {
            kept.put(hash, found.text.clone());
        }
    }
}

fn digest(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// The name in `extensions.persistedQuery`, version 1: in a list of trusted documents anything may be one, and elsewhere
/// it is a hash.
fn asked_name(ask: &Ask) -> Result<Option<&str>, Refusal> {
    let Some(persisted) = ask.persisted_query() else { return Ok(None) };
    let first = match persisted.get("version") {
        None | Some(Value::Null) => true,
        Some(Value::String(version)) => version == "1",
        Some(version) => version.as_f64() == Some(1.0),
    };
    if !first {
        return Err(Refusal::malformed("Unsupported persisted query version"));
    }
    persisted.get("sha256Hash").and_then(Value::as_str).map(Some).ok_or_else(no_hash)
}

fn no_hash() -> Refusal {
    Refusal::malformed("persistedQuery.sha256Hash is not a SHA-256 in hexadecimal")
}

/// Reads a hash, bare or with the prefix that graphql-codegen writes (GraphQL over HTTP, "Persisted Documents").
fn hash_in(name: &str) -> Option<Hash> {
    hex::decode(bare(name)).ok()?.try_into().ok()
}

fn bare(name: &str) -> &str {
    name.strip_prefix("sha256:").unwrap_or(name)
}

/// The documents most recently used, so many of them at most.
pub struct Kept {
    most: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    documents: HashMap<Hash, (Arc<str>, u64)>,
    /// Counts uses; the document with the lowest count was used longest ago.
    uses: u64,
}

impl Kept {
    pub fn new(most: usize) -> Self {
        Self { most, shelf: Mutex::default() }
    }

    fn get(&self, hash: &Hash) -> Option<Arc<str>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.uses += 1;
        let now = shelf.uses;
        let (text, used) = shelf.documents.get_mut(hash)?;
        *used = now;
        Some(text.clone())
    }

    fn put(&self, hash: Hash, text: Arc<str>) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.uses += 1;
        let now = shelf.uses;
        shelf.documents.insert(hash, (text, now));
        if shelf.documents.len() > self.most {
            // A scan of some thousand numbers, and only for documents never seen before.
            let oldest = shelf.documents.iter().min_by_key(|(_, (_, used))| *used).map(|(hash, _)| *hash);
            oldest.map(|hash| shelf.documents.remove(&hash));
        }
    }
}

/// The documents that may run, by the names that the manifest gives them.
pub struct Trusted {
    by_name: HashMap<String, Arc<str>>,
    by_text: HashMap<Hash, Arc<str>>,
}

impl Trusted {
    /// Reads a manifest: an object of names and documents (graphql-codegen, Relay), or Apollo's format with an
    /// `operations` list of `id` and `body`.
    ///
    /// # Errors
    /// Words for the operator: what can't be read, and which document is no GraphQL.
    pub fn load(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("can't read {shown}: {error}"))?;
        let manifest: Value = serde_json::from_str(&text).map_err(|error| format!("{shown} is not JSON: {error}"))?;
        Self::from_manifest(&manifest).map_err(|mend| format!("{shown}: {mend}"))
    }

    fn from_manifest(manifest: &Value) -> Result<Self, String> {
        let entries: Vec<(&str, &str)> =
            match (manifest.get("operations").and_then(Value::as_array), manifest.as_object()) {
                (Some(operations), _) => {
                    let entries =
                        operations.iter().map(|operation| Some((text(operation, "id")?, text(operation, "body")?)));
                    entries.collect::<Option<_>>().ok_or("each of the operations has an id and a body")?
                }
                (None, Some(map)) => {
                    let entries = map.iter().map(|(name, text)| Some((name.as_str(), text.as_str()?)));
                    entries.collect::<Option<_>>().ok_or("each name stands for the text of a document")?
                }
                (None, None) => return Err("a manifest is an object of names and documents".to_owned()),
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

    /// The first document that one of the names means: by the manifest's name for it, or by its hash.
    fn find(&self, text: Option<&str>, names: &[Option<&str>]) -> Result<Found, Refusal> {
        let known = names.iter().flatten().find_map(|name| self.named(name));
        match known.or_else(|| self.by_text.get(&digest(text?))) {
            Some(text) => Ok(Found { text: text.clone(), trusted: true, keep: None }),
            None if text.is_none() && names.iter().all(Option::is_none) => {
                Err(Refusal::malformed("The parameter documentId is missing."))
            }
            None => Err(Refusal::document(Code::Forbidden, "Only documents of the published list run here.")),
        }
    }

    fn named(&self, name: &str) -> Option<&Arc<str>> {
        let by_hash = |hash: Hash| self.by_name.get(&hex::encode(hash)).or_else(|| self.by_text.get(&hash));
        self.by_name.get(bare(name)).or_else(|| by_hash(hash_in(name)?))
    }
}

fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

#[cfg(test)]
#[path = "persisted_tests.rs"]
mod tests;
