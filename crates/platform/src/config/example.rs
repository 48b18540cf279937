//! `.env.example`, written from the table of settings, so that the file can't say anything else than the program.

use super::{Chapter, Setting, dotenv};

/// Comments are broken before this column.
const WIDTH: usize = 100;

const PREFACE: &str = "\
    Every setting of Countersign, each with its default. Copy this file to .env in the folder that the program is started \
    in and uncomment what you change; a variable of the environment wins over the file. A secret may also be read from a \
    file: set NAME_FILE to its path instead. Durations are written as 90s, 5m, 1h or 7d. A value is taken as it stands, a \
    dollar sign included, up to a # that follows a space; put it in single quotes to have that too, or several lines. \
    References to other variables such as ${NAME} are refused, since not every reader of such files replaces them.";

/// The chapters with their settings, each under its meaning, with its default commented out.
pub fn render(chapters: &[Chapter]) -> String {
    let mut text = String::new();
    comment(&mut text, PREFACE);
    for chapter in chapters {
        text.push_str("\n\n# ---- ");
        text.push_str(chapter.title);
        text.push_str(" ----\n");
        for setting in chapter.settings {
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

/// Words as comment lines. A word that is longer than a line stands alone on one.
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
    fn a_setting_stands_under_its_meaning_with_its_default() {
        const SETTINGS: &[Setting] = &[
            Setting::new("LOG", "info", "What is logged."),
            Setting::new("CONTACT_DAILY_SENDS", "5", "Codes a day.").in_development("100"),
            Setting::optional("METRICS_ADDR", "Where."),
            Setting::secret("JWT_SECRET", "Signs."),
        ];
        let text = render(&[Chapter { title: "Logs", settings: SETTINGS }]);
        let (_, chapter) = text.split_once("# ---- Logs ----\n").unwrap();
        let limit = "# Codes a day. In development the default is 100.\n#CONTACT_DAILY_SENDS=5\n\n";
        assert_eq!(
            chapter,
            format!("\n# What is logged.\n#LOG=info\n\n{limit}# Where.\n#METRICS_ADDR=\n\n# Signs.\n#JWT_SECRET=\n")
        );
    }

    #[test]
    fn long_meanings_are_broken_between_words() {
        let mut text = String::new();
        comment(&mut text, &"word ".repeat(50));
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.starts_with("# word") && line.chars().count() <= WIDTH));
    }

    #[test]
    fn the_file_reads_back_as_nothing_but_comments() {
        assert_eq!(dotenv::parse(render(super::super::CHAPTERS).as_bytes()), Ok(Vec::new()));
    }
}
