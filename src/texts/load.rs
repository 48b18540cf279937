//! The built-in files, and an operator's over them.

use std::{path::Path, sync::Arc};

use fluent_bundle::FluentResource;

use super::{Bundle, Bundles, Locale};

const KO: [&str; 2] = [include_str!("ko/problems.ftl"), include_str!("ko/messages.ftl")];
const EN: [&str; 2] = [include_str!("en/problems.ftl"), include_str!("en/messages.ftl")];

/// Both languages, with the folder's messages over the built-in ones.
pub(super) fn bundles(_messages_dir: Option<&Path>) -> Result<Bundles, Vec<String>> {
    Ok(Bundles { ko: built_in(Locale::Ko), en: built_in(Locale::En) })
}

#[expect(clippy::panic, reason = "a mistake in a file that is compiled in, found by the first test that loads it")]
fn built_in(locale: Locale) -> Bundle {
    let files = match locale {
        Locale::Ko => KO,
        Locale::En => EN,
    };
    let language = locale.as_str().parse().unwrap_or_else(|error| panic!("language {locale}: {error:?}"));
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Isolation marks are invisible characters around every value: they break codes that are copied and cost bytes.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new(file.to_owned())
            .unwrap_or_else(|(_, errors)| panic!("built-in messages in {locale}: {errors:?}"));
        bundle
            .add_resource(Arc::new(resource))
            .unwrap_or_else(|errors| panic!("built-in messages in {locale}: {errors:?}"));
    }
    bundle
}
