//! Generates `.env.example` from the table of settings, so that the file always matches the program.

use super::{Setting, SettingsSection, dotenv};

/// Comments are wrapped at this column.
const WIDTH: usize = 100;

const PREFACE: &str = "\
    All settings of Countersign, each with its default. Copy this file to .env in the folder that the program is \
    started in and uncomment what you change; environment variables take precedence over the file. A secret may also be \
    read from a file: set NAME_FILE to its path instead. Durations are written as 90s, 5m, 1h or 7d. A value is literal, \
    dollar signs included, up to a # that follows a space; put it in single quotes if it contains such a # or several \
    lines. References to other variables such as ${NAME} are rejected, since not every parser of such files replaces them.";

/// The sections with their settings, each with its description and its default, commented out.
pub fn render(sections: &[SettingsSection]) -> String {
    let mut text = String::new();
    comment(&mut text, PREFACE);
    for section in sections {
        text.push_str("\n\n# ---- ");
        text.push_str(section.title);
        text.push_str(" ----\n");
        for setting in section.settings {
            text.push('\n');
            entry(&mut text, setting);
        }
    }
    text
}

fn entry(text: &mut String, setting: &Setting) {
    comment(text, &setting.description());
    text.push('#');
    text.push_str(setting.name);
    text.push('=');
    text.push_str(&dotenv::quote(setting.default.unwrap_or_default()));
    text.push('\n');
}

/// Appends text as wrapped comment lines. A word that is longer than a line gets its own line.
fn comment(text: &mut String, words: &str) {
    let mut column = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push('#');
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + length;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_is_rendered_with_description_and_default() {
        const SETTINGS: &[Setting] = &[
            Setting::new("LOG", "info", "What is logged."),
            Setting::new("CONTACT_DAILY_SENDS", "5", "Codes a day.").in_development("100"),
            Setting::optional("METRICS_ADDR", "Where."),
            Setting::secret("JWT_SECRET", "Signs."),
        ];
        let text = render(&[SettingsSection { title: "Logs", settings: SETTINGS }]);
        let (_, section) = text.split_once("# ---- Logs ----\n").unwrap();
        let limit = "# Codes a day. In development the default is 100.\n#CONTACT_DAILY_SENDS=5\n\n";
        assert_eq!(
            section,
            format!("\n# What is logged.\n#LOG=info\n\n{limit}# Where.\n#METRICS_ADDR=\n\n# Signs.\n#JWT_SECRET=\n")
        );
    }

    #[test]
    fn long_descriptions_are_wrapped_between_words() {
        let mut text = String::new();
        comment(&mut text, &"word ".repeat(50));
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.starts_with("# word") && line.chars().count() <= WIDTH));
    }

    #[test]
    fn rendered_file_has_only_comments() {
        assert_eq!(dotenv::parse(render(super::super::SECTIONS).as_bytes()), Ok(Vec::new()));
    }
}
