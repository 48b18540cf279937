//! What became of each root field of a document, for the metrics: the answer itself shows a refusal's code only to
//! whoever selected it.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, resolver_utils::EnumType};

use super::problems::ProblemCode;

/// The refusals of one document, by the key of the field in its answer. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Mutex<Refusals>>);

/// The key of a field, and the code that it was refused with.
type Refusals = Vec<(Box<str>, &'static str)>;

impl Outcomes {
    fn note(&self, key: &str, code: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((key.into(), code));
    }

    /// The code of the refusal that the field of this key was answered with.
    pub fn refusal(&self, key: &str) -> Option<&'static str> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().rev().find(|(noted, _)| **noted == *key).map(|(_, code)| *code)
    }
}

impl ProblemCode {
    /// The same code, noted as what became of the field that `ctx` resolves.
    pub(super) fn noted(self, ctx: &Context<'_>) -> Self {
        if let Some(outcomes) = ctx.data_opt::<Outcomes>() {
            outcomes.note(&ctx.item.node.response_key().node, self.name());
        }
        self
    }

    /// As it stands in the schema.
    fn name(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("", |item| item.name)
    }
}
