//! The parts of an e-mail, rendered as plain text and as HTML.

use domain::locale::Locale;

/// One part of an e-mail.
pub(super) enum Part {
    Paragraph(String),
    /// A code or token to enter or copy.
    Code {
        label: String,
        code: String,
    },
    Button {
        label: String,
        url: String,
    },
    /// Small print.
    Small(String),
}

/// Renders the parts as plain text, separated by empty lines.
pub(super) fn text(parts: &[Part]) -> String {
    let render = |part: &Part| match part {
        Part::Paragraph(text) | Part::Small(text) => text.clone(),
        Part::Code { label, code } => format!("{label}\n\n    {code}"),
        Part::Button { label, url } => format!("{label}:\n{url}"),
    };
    parts.iter().map(render).collect::<Vec<_>>().join("\n\n") + "\n"
}

/// The HTML page around the parts. Styles are inline, because many mail programs remove style sheets; the style sheet
/// is for dark mode.
const PAGE: &str = include_str!("email.html");

/// Renders the parts as HTML. All texts are escaped, because none is trusted.
pub(super) fn html(locale: Locale, app_name: &str, title: &str, parts: &[Part]) -> String {
    let body: String = parts.iter().map(element).collect();
    let (before, after) = PAGE.split_once("{{body}}").unwrap_or((PAGE, ""));
    let before = before
        .replace("{{lang}}", locale.as_str())
        .replace("{{title}}", &escape(title))
        .replace("{{app}}", &escape(app_name));
    [&before, &body, after].concat()
}

fn element(part: &Part) -> String {
    match part {
        Part::Paragraph(text) => {
            format!("<p style=\"margin:0 0 16px;font-size:16px;line-height:1.6\">{}</p>\n", escape(text))
        }
        Part::Small(text) => format!(
            "<p class=\"quiet\" style=\"margin:0 0 12px;font-size:14px;line-height:1.6;color:#5f6673\">{}</p>\n",
            escape(text)
        ),
        Part::Code { label, code } => {
            // A long token has a smaller font, so that it fits the page.
            let (size, spacing) = if code.len() > 12 { (16, "0") } else { (32, "0.2em") };
            format!(
                "<div class=\"box\" style=\"margin:0 0 24px;padding:20px 16px;border-radius:12px;background:#f1f3f7;\
                 text-align:center\">\n<p class=\"quiet\" style=\"margin:0 0 8px;font-size:14px;color:#5f6673\">{}</p>\n\
                 <p style=\"margin:0;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:{size}px;\
                 font-weight:700;letter-spacing:{spacing};word-break:break-all\">{}</p>\n</div>\n",
                escape(label),
                escape(code)
            )
        }
        Part::Button { label, url } => format!(
            "<p style=\"margin:0 0 24px\"><a class=\"button\" href=\"{}\" style=\"display:inline-block;padding:12px 24px;\
             border-radius:10px;background:#1d4ed8;color:#ffffff;font-size:16px;font-weight:600;\
             text-decoration:none\">{}</a></p>\n",
            escape(url),
            escape(label)
        ),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}
