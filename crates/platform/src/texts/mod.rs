//! All end-user texts, in Fluent files: `{ko,en}/problems.ftl` has the texts of API responses, `{ko,en}/messages.ftl`
//! those of text messages and e-mails.
//!
//! The files here are compiled in. An operator's folder (`MESSAGES_DIR`, with `ko/` and `en/` in it) can override
//! single messages; it is validated as a whole at start ([`Texts::load`]).

mod arg;
mod load;
#[cfg(test)]
mod tests;
mod validate;

use domain::locale::Locale;
use std::{path::Path, sync::Arc};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

pub use arg::Arg;
use arg::Span;

type Bundle = FluentBundle<Arc<FluentResource>>;

/// All messages in all languages. Cheap to clone.
#[derive(Clone)]
pub struct Texts(Arc<Bundles>);

struct Bundles {
    ko: Bundle,
    en: Bundle,
}

impl Texts {
    /// Loads the built-in messages and overrides them by those of an operator's folder, from `ko/*.ftl` and `en/*.ftl`.
    ///
    /// # Errors
    /// All errors of the folder, each with file and message: a file that can't be read or parsed, a message
    /// that does not exist, a variable that the message does not have, a required variable that is missing.
    pub fn load(messages_dir: Option<&Path>) -> Result<Texts, Vec<String>> {
        load::bundles(messages_dir).map(|bundles| Texts(Arc::new(bundles)))
    }

    /// The language for an `Accept-Language` header; see [`Locale::negotiate`].
    pub fn negotiate(&self, accept_language: Option<&str>, default: Locale) -> Locale {
        Locale::negotiate(accept_language, default)
    }

    /// The language of one BCP 47 tag. `None`: it is not supported, and the caller uses the next source.
    pub fn negotiate_tag(&self, tag: &str) -> Option<Locale> {
        Locale::parse(tag)
    }

    /// Formats a message. An unknown `field-…` becomes `field-invalid`, as a fallback for a new reason without a text
    /// of its own; any other unknown message is a bug and becomes `problem-other`.
    pub fn localize(&self, locale: Locale, message_id: &str, args: &[(&str, Arg<'_>)]) -> String {
        let bundle = self.0.of(locale);
        let id = match message_id {
            known if bundle.has_message(known) => known,
            field if field.starts_with("field-") => "field-invalid",
            unknown => {
                tracing::error!(message = unknown, "unknown message id");
                "problem-other"
            }
        };
        let mut values = FluentArgs::with_capacity(args.len());
        for (name, arg) in args {
            let value = match arg {
                Arg::Text(text) => FluentValue::from(*text),
                Arg::Number(number) => FluentValue::from(*number),
                Arg::Wait(span) => bundle.span(Span::up(*span)).into(),
                Arg::Lifetime(span) => bundle.span(Span::down(*span)).into(),
            };
            values.set(*name, value);
        }
        bundle.format(id, &values)
    }
}

impl Bundles {
    fn of(&self, locale: Locale) -> &Bundle {
        match locale {
            Locale::Ko => &self.ko,
            Locale::En => &self.en,
        }
    }

    fn of_mut(&mut self, locale: Locale) -> &mut Bundle {
        match locale {
            Locale::Ko => &mut self.ko,
            Locale::En => &mut self.en,
        }
    }
}

/// Formatting methods for bundles.
trait Format {
    fn format(&self, id: &str, args: &FluentArgs<'_>) -> String;
    fn span(&self, span: Span) -> String;
}

impl Format for Bundle {
    fn format(&self, id: &str, args: &FluentArgs<'_>) -> String {
        let Some(pattern) = self.get_message(id).and_then(|message| message.value()) else { return String::new() };
        let mut errors = Vec::new();
        let text = self.format_pattern(pattern, Some(args), &mut errors).into_owned();
        if !errors.is_empty() {
            // The errors contain names of variables, never their values.
            tracing::error!(message = id, ?errors, "message formatting failed");
        }
        text
    }

    fn span(&self, span: Span) -> String {
        let mut args = FluentArgs::new();
        args.set("count", span.count);
        self.format(span.unit.message(), &args)
    }
}
