//! Kakao's AlimTalk, as SENS and Aligo accept it: an approved template text in which only the code may vary, with SMS
//! as the fallback if KakaoTalk does not reach the recipient.

use crate::registration::SettingsReader;
use platform::config::Secret;

/// The maximum length of a template text, in characters.
const MAX_TEXT: usize = 1000;
/// The prefix of stored AlimTalk ids, because the provider numbers them separately from its text messages.
const PREFIX: &str = "alimtalk:";

/// The usual variable for the code in templates.
pub const CODE_VARIABLE: &str = "#{코드}";
/// The description of the setting that [`Template::read`] reads.
pub const TEXT_DESCRIPTION: &str = "The text of the template exactly as approved, with \\n for each line break.";
/// The description of the setting with the variable of the template.
pub const VARIABLE_DESCRIPTION: &str = "The variable in the template that is replaced by the code.";

/// An approved template text.
pub struct Template {
    text: String,
    variable: String,
}

/// Whether codes are sent by AlimTalk: at least one of these settings is set. The others are then reported as missing.
pub fn is_configured(reader: &mut SettingsReader<'_>, names: &[&'static str]) -> bool {
    let env = reader.env();
    let chosen = names.iter().any(|name| env.is_set(name));
    for name in names.iter().filter(|name| chosen && !env.is_set(name)) {
        reader.missing(*name);
    }
    chosen
}

impl Template {
    /// None if the setting is missing or invalid.
    pub fn read(reader: &SettingsReader<'_>, text: &'static str, variable: &'static str) -> Option<Self> {
        let variable = reader.env().text(variable).unwrap_or_default();
        reader.env().parse_optional(text, |text| Self::parse(text, &variable))
    }

    fn parse(text: &str, variable: &str) -> Result<Self, String> {
        let text = text.replace("\\n", "\n");
        if variable.is_empty() || !text.contains(variable) {
            return Err(format!("the text must contain the variable for the code: {variable}"));
        }
        if text.replace(variable, "").contains("#{") {
            return Err(format!("a template with no variable other than {variable}: only the code is filled in"));
        }
        if text.chars().count() > MAX_TEXT {
            return Err(format!("at most {MAX_TEXT} characters"));
        }
        Ok(Self { text, variable: variable.to_owned() })
    }

    /// The text with the variable replaced by `code`.
    pub fn fill(&self, code: &Secret) -> String {
        self.text.replace(&self.variable, code.expose())
    }
}

/// The stored form of an AlimTalk id.
pub fn to_stored_id(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The id at the provider, if `id` is the stored form of an AlimTalk id.
pub fn from_stored_id(id: &str) -> Option<&str> {
    id.strip_prefix(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        Template::parse(text, CODE_VARIABLE)
    }

    #[test]
    fn fill_replaces_the_variable_by_the_code() {
        let template = parse("[예시] 인증번호\\n#{코드} 입니다. (#{코드})").unwrap();
        assert_eq!(template.fill(&Secret::new("123456")), "[예시] 인증번호\n123456 입니다. (123456)");
    }

    #[test]
    fn parse_rejects_invalid_template_texts() {
        for (text, reason) in [
            ("인증번호 [code]", "must contain the variable"),
            ("#{이름}님, #{코드}", "no variable other than"),
            (&format!("#{{코드}}{}", "가".repeat(MAX_TEXT)), "at most"),
        ] {
            let error = parse(text).err().unwrap();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn marked_recognises_only_alimtalk_ids() {
        assert_eq!(from_stored_id(&to_stored_id("123")), Some("123"));
        assert_eq!(from_stored_id("123"), None);
    }
}
