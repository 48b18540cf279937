//! A cache of parsed documents. Clients have a few documents and send them repeatedly, and parsing one costs as much as
//! executing it.
//!
//! Only documents that passed all limits are cached, and only without string literals: those may contain a password,
//! and are rarely sent twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::parser::types::ExecutableDocument;

/// Maximum number of documents and maximum length of each. If there are more, the cache is cleared, which costs one
/// parse per document.
const MAX_DOCUMENTS: usize = 256;
const MAX_LENGTH: usize = 4 * 1024;

/// The cache.
#[derive(Default)]
pub struct DocumentCache(Mutex<HashMap<Arc<str>, Arc<ExecutableDocument>>>);

impl DocumentCache {
    /// The parsed document with exactly this text.
    pub fn get(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.cache().get(text).cloned()
    }

    /// Caches a document that passed the limits.
    pub fn insert(&self, text: &Arc<str>, document: &Arc<ExecutableDocument>) {
        if text.len() > MAX_LENGTH || text.contains('"') {
            return;
        }
        let mut cache = self.cache();
        if cache.len() >= MAX_DOCUMENTS {
            cache.clear();
        }
        cache.insert(text.clone(), document.clone());
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<ExecutableDocument>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn keep(known: &DocumentCache, text: &str) {
        known.insert(&text.into(), &Arc::new(parse_query(text).unwrap()));
    }

    #[test]
    fn texts_are_compared_exactly() {
        let known = DocumentCache::default();
        keep(&known, "query A { a }");
        assert!(known.get("query A { a }").is_some());
        assert!(known.get("query A { a  }").is_none());
    }

    #[test]
    fn documents_with_string_literals_are_not_cached() {
        let known = DocumentCache::default();
        let secret = r#"mutation { signIn(input: {password: "x"}) { id } }"#;
        keep(&known, secret);
        assert!(known.get(secret).is_none());
    }

    #[test]
    fn cache_size_is_bounded() {
        let known = DocumentCache::default();
        (0..3 * MAX_DOCUMENTS).for_each(|number| keep(&known, &format!("query Q{number} {{ a }}")));
        assert!(known.cache().len() <= MAX_DOCUMENTS);
        keep(&known, &format!("query Long {{ {} }}", "a ".repeat(MAX_LENGTH)));
        assert!(known.cache().keys().all(|text| text.len() <= MAX_LENGTH));
    }
}
