//! Settings of message texts: language, custom texts, and the lines from which phones read codes.

use std::path::PathBuf;

use unicode_normalization::UnicodeNormalization;

use super::{Env, Setting};
use domain::locale::Locale;

pub(super) const SETTINGS: &[Setting] = &[
    Setting::new(
        "APP_NAME",
        "Countersign",
        "The name of your service in every message: [Countersign] 123456 …. Keep it short, since a Korean text message is \
         limited to 90 bytes and a syllable takes two.",
    ),
    Setting::new(
        "DEFAULT_LOCALE",
        "en",
        "ko or en: the language of responses and messages if the request does not ask for a supported one.",
    ),
    Setting::optional(
        "MESSAGES_DIR",
        "A folder with ko/*.ftl and en/*.ftl whose messages replace the built-in ones individually. Names and variables \
         are those of src/texts; invalid messages are rejected at start.",
    ),
    Setting::optional(
        "WEB_OTP_DOMAIN",
        "The host of your website, such as example.com. Text messages with a code then end with @example.com #123456, so \
         that browsers on phones fill in the code, on that host only.",
    ),
    Setting::optional(
        "ANDROID_APP_HASH",
        "The 11-character hash of your app for Android's SMS Retriever. Text messages with a code then contain it, and the \
         app can read the code without a permission.",
    ),
    Setting::optional(
        "CONTACT_UNDO_URL",
        "The URL of the page of your app that undoes a change of contact, with {token} as the placeholder of the token, such \
         as https://example.com/undo#{token}. Unset: the message contains the token itself.",
    ),
];

/// Settings of message texts.
#[derive(Clone, Debug)]
pub struct Messages {
    pub app_name: String,
    pub default_locale: Locale,
    pub dir: Option<PathBuf>,
    /// A host name in ASCII, lower case.
    pub web_otp_domain: Option<String>,
    pub android_app_hash: Option<String>,
    /// Contains `{token}` once.
    pub contact_undo_url: Option<String>,
}

impl Messages {
    /// Reads the settings; errors are recorded in `env`.
    pub fn from_env(env: &Env) -> Self {
        Self {
            app_name: env.parse("APP_NAME", app_name),
            default_locale: env.choice("DEFAULT_LOCALE", &Locale::ALL.map(|locale| (locale.as_str(), locale))),
            dir: env.text("MESSAGES_DIR").map(PathBuf::from),
            web_otp_domain: env.parse_optional("WEB_OTP_DOMAIN", host),
            android_app_hash: env.parse_optional("ANDROID_APP_HASH", app_hash),
            contact_undo_url: env.parse_optional("CONTACT_UNDO_URL", undo_url),
        }
    }
}

fn app_name(text: &str) -> Result<String, String> {
    let name: String = text.nfc().collect();
    if name.chars().any(char::is_control) || name.chars().count() > 40 {
        return Err("must be at most 40 characters on one line".to_owned());
    }
    Ok(name)
}

/// A host name only: in this format the scheme is always https, and ports and paths are ignored (WICG, Origin-bound
/// one-time codes).
fn host(text: &str) -> Result<String, String> {
    let mend = || format!("must be a host name such as example.com, without https:// and path, not {text:?}");
    if text.contains(|sign: char| sign.is_ascii_punctuation() && !matches!(sign, '.' | '-')) {
        return Err(mend());
    }
    let host = idna::domain_to_ascii_strict(text).map_err(|_| mend())?;
    if host.is_empty() { Err(mend()) } else { Ok(host) }
}

fn app_hash(text: &str) -> Result<String, String> {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if text.len() == 11 && text.bytes().all(base64) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be the 11 Base64 characters that Android's tools print for your app, not {text:?}"))
    }
}

fn undo_url(text: &str) -> Result<String, String> {
    let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"].iter().any(|host| text.starts_with(host));
    let plain = text.chars().all(|sign| sign.is_ascii_graphic());
    if (text.starts_with("https://") || local) && plain && text.matches("{token}").count() == 1 {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be an https URL that contains {{token}} once, such as https://example.com/undo#{{token}}, not {text:?}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> (Messages, Vec<String>) {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let env = Env::new(vars, SETTINGS.iter().copied());
        let settings = Messages::from_env(&env);
        (settings, env.into_refusals().into_iter().map(|refusal| refusal.name).collect())
    }

    #[test]
    fn defaults_are_valid() {
        let (settings, refusals) = read(&[]);
        assert_eq!((settings.app_name.as_str(), settings.default_locale), ("Countersign", Locale::En));
        assert!(refusals.is_empty());
    }

    #[test]
    fn valid_values_are_normalised() {
        let (settings, refusals) = read(&[
            ("WEB_OTP_DOMAIN", "Verify.Example.com"),
            ("ANDROID_APP_HASH", "ypNAo0e4jtT"),
            ("CONTACT_UNDO_URL", "https://example.com/undo#{token}"),
            ("APP_NAME", "\u{110b}\u{1168}시"),
        ]);
        assert_eq!(refusals, Vec::<String>::new());
        assert_eq!(settings.web_otp_domain.as_deref(), Some("verify.example.com"));
        assert_eq!(settings.android_app_hash.as_deref(), Some("ypNAo0e4jtT"));
        assert_eq!(settings.app_name, "예시");
    }

    #[test]
    fn invalid_values_are_refused() {
        let cases = [
            ("WEB_OTP_DOMAIN", "https://example.com"),
            ("WEB_OTP_DOMAIN", "example.com:443"),
            ("WEB_OTP_DOMAIN", "example.com/a"),
            ("WEB_OTP_DOMAIN", "@example.com #1"),
            ("ANDROID_APP_HASH", "tooshort"),
            ("ANDROID_APP_HASH", "twelve-chars"),
            ("CONTACT_UNDO_URL", "https://example.com/undo"),
            ("CONTACT_UNDO_URL", "http://example.com/{token}"),
            ("CONTACT_UNDO_URL", "javascript:{token}"),
            ("DEFAULT_LOCALE", "fr"),
            ("APP_NAME", "Acme\u{7}"),
        ];
        for (name, value) in cases {
            assert_eq!(read(&[(name, value)]).1, [name], "{value}");
        }
    }
}
