//! Outcome of each root field of a document, for the metrics. The response shows the code of a refusal only if the
//! client selected it, so it can't be read from there.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, resolver_utils::EnumType};

use super::problems::ProblemCode;

/// The refusals of one document, by response key. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Mutex<Refusals>>);

/// Response key of a field, and the problem code that it was refused with.
type Refusals = Vec<(Box<str>, &'static str)>;

impl Outcomes {
    fn record(&self, key: &str, code: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((key.into(), code));
    }

    /// The problem code of the field with this response key, if the field was refused.
    pub fn refusal(&self, key: &str) -> Option<&'static str> {
        let refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.iter().rev().find(|(field, _)| **field == *key).map(|(_, code)| *code)
    }
}

impl ProblemCode {
    /// Returns the code, and records it as the outcome of the field that `ctx` resolves.
    pub(super) fn noted(self, ctx: &Context<'_>) -> Self {
        if let Some(outcomes) = ctx.data_opt::<Outcomes>() {
            outcomes.record(&ctx.item.node.response_key().node, self.name());
        }
        self
    }

    /// The code's name in the schema.
    fn name(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("", |item| item.name)
    }
}
