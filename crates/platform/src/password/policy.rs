//! The password policy: the rules and the list of breached passwords.

use super::{Breached, PasswordContext, Pool, Rules, Violation, prepare};
use crate::{
    fault::{Fault, FaultContext},
    secret::Secret,
};

/// The requirements for a new password, for display in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// In code points.
    pub min_length: u32,
    pub max_length: u32,
    pub requires_lowercase: bool,
    pub requires_uppercase: bool,
    pub requires_digit: bool,
    pub requires_symbol: bool,
    /// The minimum zxcvbn score, 0 to 4.
    pub min_strength: u8,
}

/// Checks new passwords. Cheap to clone.
#[derive(Clone)]
pub struct Policy {
    rules: Rules,
    breached: Option<Breached>,
    /// The name of the service, which is added to every context.
    app_name: String,
    pool: Pool,
}

impl Policy {
    pub fn new(rules: Rules, breached: Option<Breached>, app_name: impl Into<String>, pool: Pool) -> Self {
        Self { rules, breached, app_name: app_name.into(), pool }
    }

    /// All violations of a new password; empty if it is acceptable.
    ///
    /// # Errors
    /// Unavailable if the pool is full. Internal if the list of breached passwords can't be read: the check fails
    /// closed.
    pub async fn check(&self, password: &Secret, context: &PasswordContext) -> Result<Vec<Violation>, Fault> {
        let (rules, breached, password) = (self.rules, self.breached.clone(), password.clone());
        let mut context = context.clone();
        context.add(&self.app_name);
        let checked = self.pool.run(move |_| -> Result<Vec<Violation>, Fault> {
            let mut violations = rules.check(password.expose(), &context);
            if let (Some(breached), Some(prepared)) = (breached, prepare(password.expose())) {
                let listed = breached.contains(&prepared).map_err(|error| Fault::internal(error.to_string()))?;
                violations.extend(listed.then_some(Violation::Breached));
            }
            Ok(violations)
        });
        checked.await?.context("checking a new password")
    }

    /// The requirements of the policy.
    pub fn describe(&self) -> Description {
        self.rules.describe()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{super::PolicyKind, *};

    #[tokio::test]
    async fn the_policy_combines_rules_breached_list_and_service_name() {
        let mut list = tempfile::NamedTempFile::new().unwrap();
        // Only the SHA-1 of "correct-Horse-9".
        writeln!(list, "{}:3", super::super::breached::sha1_hex("correct-Horse-9")).unwrap();
        let breached = Breached::open(list.path()).unwrap();
        let pool = Pool::start(1, 4).unwrap();
        let rules = Rules::new(PolicyKind::Classic, None);
        let policy = Policy::new(rules, Some(breached), "Acme Mail", pool);
        let check =
            async |password: &str| policy.check(&Secret::new(password), &PasswordContext::default()).await.unwrap();
        assert_eq!(check("NewPassword123!").await, []);
        assert_eq!(check("correct-Horse-9").await, [Violation::Breached]);
        assert_eq!(check("AcmeMail-Harbour-7").await, [Violation::ContainsPersonalData]);
        list.as_file().set_len(0).unwrap();
        assert!(policy.check(&Secret::new("correct-Horse-9"), &PasswordContext::default()).await.is_err());
    }
}
