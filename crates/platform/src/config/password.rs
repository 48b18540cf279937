//! Settings of `password/`: what a new password has to be, and what keeping one costs.

use std::{path::PathBuf, thread::available_parallelism};

use crate::{
    config::{Env, Setting},
    password::{Breached, Cost, PolicyKind, Rules},
};

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "PASSWORD_POLICY",
        "classic",
        "What a new password has to be. classic: 8 to 100 characters with a lower-case letter, an upper-case letter, a digit and a symbol. nist: 15 characters or more, of whatever kind (SP 800-63B). Both refuse what is easily guessed or made of the person's own name and contacts.",
    ),
    Setting::optional(
        "PASSWORD_MIN_STRENGTH",
        "Least zxcvbn score of a new password, 0 to 4. Left out: 3 for classic, 2 for nist, which refuses common passwords, runs and repetitions.",
    ),
    Setting::optional(
        "BREACHED_PASSWORDS_FILE",
        "A list of breached passwords to refuse: one SHA-1 in hexadecimal per line, sorted, with or without :count behind it, as Have I Been Pwned's downloader writes it. It is searched on disk, not loaded.",
    ),
    Setting::new(
        "ARGON2_MEMORY_KIB",
        "19456",
        "Memory of one password hash (argon2id). Raise it until a hash takes as long as you can afford; passwords are hashed anew as people sign in. Each hashing thread keeps as much.",
    ),
    Setting::new("ARGON2_PASSES", "2", "Passes over that memory; the time of a hash grows with them."),
    Setting::new("ARGON2_LANES", "1", "Lanes of a hash. They are worked one after the other: leave it at 1."),
    Setting::optional(
        "HASHING_THREADS",
        "Threads that hash passwords. Left out: one per core. Fewer leave cores to everything else while many sign in.",
    ),
    Setting::new(
        "HASHING_QUEUE",
        "64",
        "Hashes that may wait for a thread. Beyond it a sign-in is answered UNAVAILABLE at once; a core does some 40 hashes a second at the usual cost.",
    ),
];

/// How passwords are judged and kept.
#[derive(Clone, Debug)]
pub struct Password {
    pub rules: Rules,
    pub breached: Option<Breached>,
    pub cost: Cost,
    pub threads: usize,
    pub queue: usize,
}

impl Password {
    /// Opens the list of breached passwords, so that a wrong one is refused at start.
    pub fn from_env(env: &Env) -> Self {
        let kind = env.choice("PASSWORD_POLICY", &[("classic", PolicyKind::Classic), ("nist", PolicyKind::Nist)]);
        let min_strength = env.parse_optional("PASSWORD_MIN_STRENGTH", |text| match text.parse() {
            Ok(score @ 0..=4) => Ok(score),
            _ => Err(format!("a score from 0 to 4, not {text:?}")),
        });
        // One core can't be asked how many it is in some sandboxes; then it is one.
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = env.parse_optional("HASHING_THREADS", |text| match text.parse() {
            Ok(threads @ 1..=1024) => Ok(threads),
            _ => Err(format!("a number from 1 to 1024, not {text:?}")),
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
    fn the_defaults_are_what_owasp_asks_and_a_thread_per_core() {
        let password = read(&[]).unwrap();
        assert_eq!(password.cost, Cost::new(19_456, 2, 1).unwrap());
        assert_eq!(password.rules, Rules::new(PolicyKind::Classic, Some(3)));
        assert!(password.threads >= 1 && password.breached.is_none());
    }

    #[test]
    fn pw_04_what_is_weaker_or_wrong_is_refused_by_name() {
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
