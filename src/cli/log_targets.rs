//! The targets that log lines can have, so that a misspelt one in `LOG` is reported at startup.

use tracing_subscriber::filter::Targets;

/// One target per line: the paths of the modules of all crates, and the names of the libraries (`build.rs`).
const KNOWN_TARGETS: &str = include_str!(concat!(env!("OUT_DIR"), "/log-targets"));

/// The prefix of the targets of this program.
const OURS: &str = "countersign";

/// The targets of a filter that no log line has.
pub fn unknown(filter: &Targets) -> Vec<String> {
    // A filter matches by prefix. The modules of libraries are not known here.
    let is_known = |target: &str| {
        let within = |library: &str| target.strip_prefix(library).is_some_and(|rest| rest.starts_with("::"));
        KNOWN_TARGETS.lines().any(|known| known.starts_with(target) || (!known.starts_with(OURS) && within(known)))
    };
    let named = filter.iter().map(|(target, _)| target).filter(|target| !target.is_empty());
    named.filter(|target| !is_known(target)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_targets_are_reported() {
        let unknown = |list: &str| unknown(&list.parse().unwrap());
        let known = "info,countersign=debug,countersign::delivery=debug,countersign::http::server=warn,audit=off,\
                     countersign_platform::telemetry=debug,countersign_graphql_http::run=warn,sqlx=warn,hyper_util::client=warn,migration=info,\
                     tower_http::cors=info";
        assert_eq!(unknown(known), Vec::<String>::new());
        let misspelt = "info,countersign::delivry=debug,countersign_platform::telemetri=debug,sqlxx=warn";
        assert_eq!(
            unknown(misspelt).into_iter().collect::<std::collections::BTreeSet<_>>(),
            ["countersign::delivry", "countersign_platform::telemetri", "sqlxx"].map(str::to_owned).into()
        );
    }
}
