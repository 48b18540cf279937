//! The configuration as a whole: every room's settings, judged together, complete or refused.

use crate::{
    config::{self, Chapter, Config, Env, Refusal, Setting},
    delivery::registry::{self, Plan},
};

/// Everything that the program was told.
pub struct Settings {
    pub config: Config,
    /// Which providers carry what.
    pub plan: Plan,
}

impl Settings {
    /// Judges the variables that the program was started with.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with the variable and the mend.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Refusal>> {
        let env = Env::new(vars, settings());
        env.refuse_near_misses();
        let config = Config::from_env(&env);
        let plan = Plan::read(&env, &config.delivery);
        if config.http.environment == config::Environment::Production && plan.names().any(|name| name == "development") {
            env.refuse(
                "SMS_PROVIDER",
                "ENVIRONMENT=production can't send through the development provider, which shows every code: name \
                 providers in SMS_PROVIDER, VOICE_PROVIDER and EMAIL_PROVIDER",
            );
        }
        match env.into_refusals() {
            refusals if refusals.is_empty() => Ok(Self { config, plan }),
            refusals => Err(refusals),
        }
    }
}

/// Every chapter of settings, in the order in which somebody new would want to read them.
pub fn chapters() -> Vec<Chapter> {
    config::CHAPTERS.iter().copied().chain(registry::chapters()).collect()
}

/// Every setting there is.
pub fn settings() -> impl Iterator<Item = Setting> {
    chapters().into_iter().flat_map(|chapter| chapter.settings).copied()
}

/// The text of `.env.example`.
pub fn env_example() -> String {
    config::render_example(&chapters())
}

