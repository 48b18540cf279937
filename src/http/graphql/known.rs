//! Documents that were read before. A client has a handful and sends them again and again, and reading one costs as
//! much as answering it.
//!
//! Only what passed every limit is kept, and nothing that could be a secret: a document with a string in it may have a
//! password written into it, and is not likely to come a second time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_graphql::parser::types::ExecutableDocument;

/// So many documents, none of them longer than this. Somebody who sends ever new ones has the others forgotten, which
/// costs them a reading each.
const MOST: usize = 256;
const LONGEST: usize = 4 * 1024;

/// The documents that were read.
#[derive(Default)]
pub struct Known(Mutex<HashMap<Arc<str>, Arc<ExecutableDocument>>>);

impl Known {
    /// What was read of this very text.
    pub fn get(&self, text: &str) -> Option<Arc<ExecutableDocument>> {
        self.shelf().get(text).cloned()
    }

    /// Keeps what was read of a text and passed the limits.
    pub fn keep(&self, text: &Arc<str>, document: &Arc<ExecutableDocument>) {
        if text.len() > LONGEST || text.contains('"') {
            return;
        }
        let mut shelf = self.shelf();
        if shelf.len() >= MOST {
            shelf.clear();
        }
        shelf.insert(text.clone(), document.clone());
    }

    fn shelf(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<ExecutableDocument>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn keep(known: &Known, text: &str) {
        known.keep(&text.into(), &Arc::new(parse_query(text).unwrap()));
    }

    #[test]
    fn a_text_is_known_to_the_letter() {
        let known = Known::default();
        keep(&known, "query A { a }");
        assert!(known.get("query A { a }").is_some());
        assert!(known.get("query A { a  }").is_none());
    }

    #[test]
    fn what_may_hold_a_secret_is_not_kept() {
        let known = Known::default();
        let secret = r#"mutation { signIn(input: {password: "x"}) { id } }"#;
        keep(&known, secret);
        assert!(known.get(secret).is_none());
    }

    #[test]
    fn ever_new_documents_take_no_more_room() {
        let known = Known::default();
        (0..3 * MOST).for_each(|number| keep(&known, &format!("query Q{number} {{ a }}")));
        assert!(known.shelf().len() <= MOST);
        keep(&known, &format!("query Long {{ {} }}", "a ".repeat(LONGEST)));
        assert!(known.shelf().keys().all(|text| text.len() <= LONGEST));
    }
}
