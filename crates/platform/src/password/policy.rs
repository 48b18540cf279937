//! What a new password has to be, files included.

use super::{Breached, Context, Pool, Rules, Violation, prepare};
use crate::{
    fault::{Doing, Fault},
    secret::Secret,
};

/// What a new password has to be, for a form that says so before it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// In code points.
    pub min_length: u32,
    pub max_length: u32,
    pub requires_lowercase: bool,
    pub requires_uppercase: bool,
    pub requires_digit: bool,
    pub requires_symbol: bool,
    /// Least zxcvbn score, 0 to 4.
    pub min_strength: u8,
}

/// Judges new passwords. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    rules: Rules,
    breached: Option<Breached>,
    /// The service's name, which every password's context holds.
    app_name: String,
    pool: Pool,
}

impl Policy {
    pub fn new(rules: Rules, breached: Option<Breached>, app_name: impl Into<String>, pool: Pool) -> Self {
        Self { rules, breached, app_name: app_name.into(), pool }
    }

    /// Everything that is wrong with a new password, at once; empty where it will do.
    ///
    /// # Errors
    /// Unavailable, where the pool is full. Internal, where the list of breached passwords can't be read: a check that
    /// was asked for and can't be made is not passed.
    pub async fn judge(&self, password: &Secret, context: &Context) -> Result<Vec<Violation>, Fault> {
        let (rules, breached, password) = (self.rules, self.breached.clone(), password.clone());
        let mut context = context.clone();
        context.add(&self.app_name);
        let judged = self.pool.run(move |_| -> Result<Vec<Violation>, Fault> {
            let mut violations = rules.judge(password.expose(), &context);
            if let (Some(breached), Some(prepared)) = (breached, prepare(password.expose())) {
                let listed = breached.contains(&prepared).map_err(|error| Fault::internal(error.to_string()))?;
                violations.extend(listed.then_some(Violation::Breached));
            }
            Ok(violations)
        });
        judged.await?.doing("judging a password")
    }

    /// What the policy asks.
    pub fn describe(&self) -> Description {
        self.rules.describe()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::PolicyKind, *};

    #[tokio::test]
    async fn rules_list_and_the_services_name_speak_together() {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        // SHA-1 of "correct-Horse-9" alone.
        writeln!(list, "{}:3", super::super::breached::sha1_hex("correct-Horse-9")).unwrap();
        let breached = Breached::open(list.path()).unwrap();
        let pool = Pool::start(1, 4).unwrap();
        let rules = Rules::new(PolicyKind::Classic, None);
        let policy = Policy::new(rules, Some(breached), "Acme Mail", pool);
        let judge = async |password: &str| policy.judge(&Secret::new(password), &Context::default()).await.unwrap();
        assert_eq!(judge("NewPassword123!").await, []);
        assert_eq!(judge("correct-Horse-9").await, [Violation::Breached]);
        assert_eq!(judge("AcmeMail-Harbour-7").await, [Violation::ContainsPersonalData]);
        list.as_file().set_len(0).unwrap();
        assert!(policy.judge(&Secret::new("correct-Horse-9"), &Context::default()).await.is_err());
    }
}
