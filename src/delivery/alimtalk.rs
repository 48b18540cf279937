//! Kakao's AlimTalk, as SENS and Aligo take it: a text that was approved word by word, in which the code alone may
//! differ, and by SMS where KakaoTalk does not reach.

use super::registry::Reader;
use platform::config::Secret;

/// The longest text of a template, in characters.
const LONGEST: usize = 1000;
/// Stands before the id of an AlimTalk: its provider counts those apart from its text messages.
const MARK: &str = "alimtalk:";

/// The variable that templates usually have for a code.
pub const CODE_VARIABLE: &str = "#{코드}";
/// What [`Template::read`] takes, for the tables of settings.
pub const TEXT: &str = "The template's text, letter by letter as it was approved, with \\n for each line break.";
pub const VARIABLE: &str = "The variable in the template that stands for the code.";

/// An approved text.
pub struct Template {
    text: String,
    variable: String,
}

/// Whether codes go by AlimTalk: any of these settings is there. Those that are not are missing then.
pub fn is_chosen(reader: &mut Reader<'_>, names: &[&'static str]) -> bool {
    let env = reader.env();
    let chosen = names.iter().any(|name| env.is_set(name));
    for name in names.iter().filter(|name| chosen && !env.is_set(name)) {
        reader.missing(*name);
    }
    chosen
}

impl Template {
    /// None: it was refused, or is missing.
    pub fn read(reader: &Reader<'_>, text: &'static str, variable: &'static str) -> Option<Self> {
        let variable = reader.env().text(variable).unwrap_or_default();
        reader.env().parse_optional(text, |text| Self::parse(text, &variable))
    }

    fn parse(text: &str, variable: &str) -> Result<Self, String> {
        let text = text.replace("\\n", "\n");
        if variable.is_empty() || !text.contains(variable) {
            return Err(format!("the code's place is missing: {variable}"));
        }
        if text.replace(variable, "").contains("#{") {
            return Err(format!("a template with no variable but {variable}: nothing else is filled in"));
        }
        if text.chars().count() > LONGEST {
            return Err(format!("at most {LONGEST} characters"));
        }
        Ok(Self { text, variable: variable.to_owned() })
    }

    /// The text with this code in it.
    pub fn fill(&self, code: &Secret) -> String {
        self.text.replace(&self.variable, code.expose())
    }
}

/// The id of an AlimTalk, as it is kept.
pub fn mark(id: &str) -> String {
    format!("{MARK}{id}")
}

/// The provider's own id, where it is an AlimTalk's.
pub fn marked(id: &str) -> Option<&str> {
    id.strip_prefix(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        Template::parse(text, CODE_VARIABLE)
    }

    #[test]
    fn the_code_alone_is_filled_in() {
        let template = parse("[예시] 인증번호\\n#{코드} 입니다. (#{코드})").unwrap();
        assert_eq!(template.fill(&Secret::new("123456")), "[예시] 인증번호\n123456 입니다. (123456)");
    }

    #[test]
    fn a_text_that_could_not_be_the_template_is_refused() {
        for (text, why) in [
            ("인증번호 [code]", "the code's place"),
            ("#{이름}님, #{코드}", "no variable but"),
            (&format!("#{{코드}}{}", "가".repeat(LONGEST)), "at most"),
        ] {
            let refused = parse(text).err().unwrap();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn ids_of_text_messages_are_not_taken_for_those_of_an_alimtalk() {
        assert_eq!(marked(&mark("123")), Some("123"));
        assert_eq!(marked("123"), None);
    }
}
