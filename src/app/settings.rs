//! The complete configuration: all settings, validated together.

use super::{keys, services};
use crate::{
    delivery::{Description, ProviderPlan, describe},
    http::tls::Tls,
    session,
};
use graphql_http::TrustedDocuments;
use platform::{
    config::{self, Config, Env, Setting, SettingError, SettingsSection, secret_file},
    texts::Texts,
};
use providers::Verifiers;

/// The validated settings of the program.
pub struct Settings {
    pub config: Config,
    /// The providers of each channel.
    pub plan: ProviderPlan,
    /// Verify the receipts of providers.
    pub verifiers: Verifiers,
    /// A line for `doctor` about each configured provider.
    pub providers: Vec<Description>,
    /// Warnings for the operator about the settings and their sources.
    pub warnings: Vec<String>,
    /// Warnings for the operator about the key files. Starting the program corrects permissions where it can.
    pub key_warnings: Vec<String>,
}

impl Settings {
    /// Validates the variables that the program was started with.
    ///
    /// # Errors
    /// All errors, each with the variable and a fix.
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<SettingError>> {
        let env = Env::new(vars, settings());
        env.check_unknown_names();
        let config = Config::from_env(&env);
        let plan = ProviderPlan::read(&env, &config.delivery);
        let providers = describe(&env, &config.delivery);
        let verifiers = Verifiers::from_env(&env, config.http.public_url.as_deref());
        if config.http.environment == config::Environment::Production && plan.names().any(|name| name == "development")
        {
            env.add_error(
                "SMS_PROVIDER",
                "the development provider, which shows all codes, is not allowed with ENVIRONMENT=production: set other \
                 providers in SMS_PROVIDER, VOICE_PROVIDER and EMAIL_PROVIDER",
            );
        }
        let key_files = match config.store.is_embedded() {
            true => keys::inspect(&env, &config.keys, &config.store.data_dir),
            false => keys::KeyFileInspection::default(),
        };
        config::refuse_shared_secrets(&env, &key_files.secrets);
        for (name, reason) in session::unusable_keys(&config.keys) {
            env.add_error(name, reason);
        }
        if let Some(manifest) = &config.http.trusted_documents
            && let Err(hint) = TrustedDocuments::load(manifest)
        {
            env.add_error("TRUSTED_DOCUMENTS", hint);
        }
        match Texts::load(config.messages.dir.as_deref()) {
            Err(wrong) => env.add_error("MESSAGES_DIR", wrong.join("; ")),
            Ok(texts) => {
                // The built-in templates fit. Only an operator's template or a long app name makes a message too long.
                let name = if config.messages.dir.is_some() { "MESSAGES_DIR" } else { "APP_NAME" };
                if let Err(wrong) = services::composer(&texts, &config) {
                    env.add_error(name, wrong);
                }
            }
        }
        let warnings = env.warnings();
        match env.into_errors() {
            refusals if refusals.is_empty() => {
                let key_warnings = key_files.warnings;
                Ok(Self { config, plan, verifiers, providers, warnings, key_warnings })
            }
            refusals => Err(refusals),
        }
    }

    /// Checks the files that only `serve` needs, the certificate and key of TLS, and adds warnings for the operator.
    ///
    /// # Errors
    /// The setting whose file can't be used.
    pub fn check_tls(&mut self) -> Result<(), SettingError> {
        let Some(files) = &self.config.http.tls else { return Ok(()) };
        let refusal = |name: &str, hint: &str| SettingError { name: name.to_owned(), hint: hint.to_owned() };
        let warning = secret_file::exposure(&files.key).map_err(|hint| refusal("TLS_KEY", &hint))?;
        self.warnings.extend(warning.map(|warning| format!("TLS_KEY: {warning}")));
        match Tls::open(files) {
            Ok(_) => Ok(()),
            Err(reason) => Err(match reason.strip_prefix("TLS_KEY: ") {
                Some(hint) => refusal("TLS_KEY", hint),
                None => refusal("TLS_CERT", reason.strip_prefix("TLS_CERT: ").unwrap_or(&reason)),
            }),
        }
    }
}

/// All sections of settings, in a reading order for new operators.
pub fn sections() -> Vec<SettingsSection> {
    config::SECTIONS.iter().copied().chain(providers::setting_groups()).collect()
}

/// All settings.
pub fn settings() -> impl Iterator<Item = Setting> {
    sections().into_iter().flat_map(|section| section.settings).copied()
}

/// The settings as `serve --help` lists them.
pub fn settings_help() -> String {
    let mut help = String::from("Settings (environment, or .env):\n");
    for section in sections() {
        help.push_str(&format!("\n{}\n", section.title));
        for setting in section.settings {
            let (name, meaning) = (setting.name, setting.description());
            let default = setting.default.map_or_else(String::new, |default| format!("={default}"));
            help.push_str(&format!("  {name}{default}\n      {meaning}\n"));
        }
    }
    help
}

/// The text of `.env.example`.
pub fn env_example() -> String {
    config::render_example(&sections())
}
