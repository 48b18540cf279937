//! Settings of passwords: the policy for new passwords, and the cost of hashing.

use std::{path::PathBuf, thread::available_parallelism};

use crate::{
    config::{Env, Setting},
    password::{Breached, Cost, PolicyKind, Rules},
};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "PASSWORD_POLICY",
        "classic",
        "The policy for new passwords. classic: 8 to 100 characters with a lower-case letter, an upper-case letter, a digit and a symbol. nist: 15 characters or more, of any kind (SP 800-63B). Both reject passwords that are easily guessed or contain the user's own name or contacts.",
    ),
    Setting::optional(
        "PASSWORD_MIN_STRENGTH",
        "Minimum zxcvbn score of a new password, 0 to 4. Unset: 3 for classic, 2 for nist, which rejects common passwords, sequences and repetitions.",
    ),
    Setting::optional(
        "BREACHED_PASSWORDS_FILE",
        "A list of breached passwords to reject: one SHA-1 in hexadecimal per line, sorted, optionally followed by :count, as written by the downloader of Have I Been Pwned. It is searched on disk, not loaded into memory.",
    ),
    Setting::new(
        "ARGON2_MEMORY_KIB",
        "19456",
        "Memory of one password hash (argon2id). Raise it until a hash takes as long as you can afford; passwords are rehashed when users sign in. Each hashing thread allocates as much.",
    ),
    Setting::new("ARGON2_PASSES", "2", "Passes over that memory; the time of a hash is proportional to them."),
    Setting::new("ARGON2_LANES", "1", "Lanes of a hash. They are computed one after the other: leave it at 1."),
    Setting::optional(
        "HASHING_THREADS",
        "Threads that hash passwords. Unset: one per core. Fewer threads leave cores for other work while many users sign in.",
    ),
    Setting::new(
        "HASHING_QUEUE",
        "64",
        "Hashes that may wait for a thread. Beyond it, a sign-in returns UNAVAILABLE at once; a core computes about 40 hashes per second at the default cost.",
    ),
];

/// Settings of passwords.
#[derive(Clone, Debug)]
pub struct Password {
    pub rules: Rules,
    pub breached: Option<Breached>,
    pub cost: Cost,
    pub threads: usize,
    pub queue: usize,
}

impl Password {
    /// Also opens the list of breached passwords, so that an invalid file is an error at start.
    pub fn from_env(env: &Env) -> Self {
        let kind = env.choice("PASSWORD_POLICY", &[("classic", PolicyKind::Classic), ("nist", PolicyKind::Nist)]);
        let min_strength = env.parse_optional("PASSWORD_MIN_STRENGTH", |text| match text.parse() {
            Ok(score @ 0..=4) => Ok(score),
            _ => Err(format!("must be a score from 0 to 4, not {text:?}")),
        });
        // The number of cores is not available in some sandboxes; then one is assumed.
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = env.parse_optional("HASHING_THREADS", |text| match text.parse() {
            Ok(threads @ 1..=1024) => Ok(threads),
            _ => Err(format!("must be a number from 1 to 1024, not {text:?}")),
        });
        let breached = |path: &str| Breached::open(&PathBuf::from(path));
        Self {
            rules: Rules::new(kind, min_strength),
            breached: env.parse_optional("BREACHED_PASSWORDS_FILE", breached),
            cost: cost(env),
            threads: threads.unwrap_or(cores),
            queue: env.number("HASHING_QUEUE", 1..=100_000),
        }
    }
}

fn cost(env: &Env) -> Cost {
    let memory = env.number("ARGON2_MEMORY_KIB", Cost::LEAST_MEMORY_KIB..=1 << 20);
    let passes = env.number("ARGON2_PASSES", Cost::LEAST_PASSES..=20);
    let lanes = env.number("ARGON2_LANES", 1..=64);
    Cost::new(memory, passes, lanes).unwrap_or_else(|mend| {
        env.refuse("ARGON2_MEMORY_KIB", mend);
        Cost::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Password, Vec<String>> {
        let vars = vars.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let env = Env::new(vars, SETTINGS.iter().copied());
        let password = Password::from_env(&env);
        let refusals: Vec<_> = env.into_refusals().into_iter().map(|refusal| refusal.name).collect();
        if refusals.is_empty() { Ok(password) } else { Err(refusals) }
    }

    #[test]
    fn defaults_follow_owasp_with_one_thread_per_core() {
        let password = read(&[]).unwrap();
        assert_eq!(password.cost, Cost::new(19_456, 2, 1).unwrap());
        assert_eq!(password.rules, Rules::new(PolicyKind::Classic, Some(3)));
        assert!(password.threads >= 1 && password.breached.is_none());
    }

    #[test]
    fn pw_04_weak_or_invalid_settings_are_refused_by_name() {
        for (name, text) in [
            ("PASSWORD_POLICY", "strict"),
            ("PASSWORD_MIN_STRENGTH", "5"),
            ("BREACHED_PASSWORDS_FILE", "/nowhere"),
            ("ARGON2_MEMORY_KIB", "1024"),
            ("ARGON2_PASSES", "1"),
            ("ARGON2_LANES", "0"),
            ("HASHING_THREADS", "0"),
            ("HASHING_QUEUE", "0"),
        ] {
            assert_eq!(read(&[(name, text)]).unwrap_err(), [name], "{name}={text}");
        }
        let chosen =
            read(&[("PASSWORD_POLICY", "nist"), ("ARGON2_MEMORY_KIB", "65536"), ("HASHING_THREADS", "3")]).unwrap();
        assert_eq!((chosen.rules, chosen.threads), (Rules::new(PolicyKind::Nist, None), 3));
    }
}
