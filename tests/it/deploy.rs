//! The metrics, settings and crates that the files in `deploy/` refer to exist. `deploy/check` validates their syntax.

mod compose;
mod layout;

use std::{collections::BTreeSet, fs, path::Path};

use platform::telemetry::metrics::{
    process,
    table::{Kind, METRICS},
};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The words of `text` whose characters all satisfy `is_part`.
fn words(text: &str, is_part: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |next| !is_part(next)).filter(|word| !word.is_empty())
}

#[test]
fn dashboards_and_alerts_use_only_existing_metrics() {
    let series: BTreeSet<String> = METRICS
        .iter()
        .flat_map(|metric| match metric.kind {
            Kind::Seconds(_) => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", metric.name)).to_vec(),
            Kind::Counter | Kind::Gauge => vec![metric.name.to_owned()],
        })
        .chain(process::METRICS.iter().map(|(name, ..)| (*name).to_owned()))
        .collect();
    for file in ["deploy/grafana/dashboards/countersign.json", "deploy/prometheus/alerts.yml"] {
        let text = read(file);
        let used: BTreeSet<_> = words(&text, |next| next.is_ascii_lowercase() || next == '_')
            .filter(|word| word.starts_with("countersign_") || word.starts_with("process_"))
            .collect();
        assert!(used.len() > 5, "{file} was not read: {used:?}");
        let unknown: Vec<_> = used.into_iter().filter(|name| !series.contains(*name)).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}");
    }
}

#[test]
fn deployment_files_set_only_known_settings() {
    let settings: BTreeSet<_> = countersign::app::settings().map(|setting| setting.name).collect();
    // Those of the other programs that the files start.
    let others = ["POSTGRES_USER", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD"];
    let files = [
        "deploy/Dockerfile",
        "deploy/compose/compose.yaml",
        "deploy/compose/keys",
        "deploy/kubernetes/countersign.yaml",
        "deploy/systemd/countersign.service",
    ];
    for file in files {
        let text = read(file);
        // `NAME=value` of a shell, `NAME: value` of YAML; the second half of a pair is no name.
        let set = text.split_whitespace().filter_map(|word| {
            let word =
                word.trim_start_matches("--from-literal=").trim_start_matches("Environment=").trim_start_matches('"');
            let name = word.split(['=', ':']).next().filter(|name| name.len() < word.len())?;
            let upper = name.contains('_') && name.chars().all(|next| next.is_ascii_uppercase() || next == '_');
            upper.then(|| name.trim_end_matches("_FILE"))
        });
        let unknown: BTreeSet<_> =
            set.filter(|name| !settings.contains(name) && !others.contains(name) && !name.starts_with("GF_")).collect();
        assert!(unknown.is_empty(), "{file} sets unknown settings: {unknown:?}");
    }
}

#[test]
fn image_build_includes_every_workspace_crate() {
    let manifest = read("Cargo.toml");
    let (_, members) = manifest.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let (image, sent) = (read("deploy/Dockerfile"), read("deploy/Dockerfile.dockerignore"));
    for member in words(members, |next| next.is_ascii_alphanumeric() || "-_/".contains(next)) {
        let top = member.split('/').next().unwrap();
        assert!(image.contains(&format!("COPY {top} {top}\n")), "{member} is not copied into the image");
        assert!(sent.lines().any(|line| line == format!("!{top}")), "{member} is not sent to the builder");
    }
}

/// Without `build.rs`, a build that lacks the pages would fail with the compiler's words instead of ours.
#[test]
fn image_binary_embeds_the_pages() {
    let (image, sent) = (read("deploy/Dockerfile"), read("deploy/Dockerfile.dockerignore"));
    let pages = image.find("COPY --from=web /src/web/dist web/dist\n");
    let build = image.find("cargo build --release --locked --features embed-web ");
    assert!(pages.is_some() && pages < build, "the pages are copied before the binary is built");
    assert!(words(&image, |next| !next.is_whitespace()).any(|word| word == "build.rs"));
    assert!(sent.lines().any(|line| line == "!build.rs"), "build.rs is not sent to the builder");
}

/// All processes share one outbox and receive every setting in `.env`.
#[test]
fn compose_shares_the_outbox_and_passes_on_all_settings() {
    let compose = read("deploy/compose/compose.yaml");
    let (of_all, _) = compose.split_once("\nservices:").unwrap();
    let data = words(&read("deploy/Dockerfile"), |next| !next.is_whitespace())
        .find_map(|word| word.strip_prefix("DATA_DIR=").map(str::to_owned))
        .unwrap();
    assert!(of_all.contains(&format!("volumes: [\"data:{data}\"]")), "{of_all}");
    assert!(of_all.contains("env_file: [.env]"), "{of_all}");
}

/// If another address of the proxy's network were trusted, its owner could spoof any client address.
#[test]
fn compose_trusts_the_address_of_the_proxy_and_no_other() {
    let compose = read("deploy/compose/compose.yaml");
    let value = |name: &str| {
        let mut lines = compose.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    let trusted: std::net::Ipv4Addr = value("TRUSTED_PROXIES: ").parse().unwrap();
    assert_eq!(value("ipv4_address: "), trusted.to_string());
    let [subnet, range] = ["- subnet: ", "ip_range: "].map(|name| value(name).parse::<ipnet::Ipv4Net>().unwrap());
    assert!(subnet.contains(&trusted) && subnet.contains(&range) && !range.contains(&trusted), "{trusted}");
}

/// A Job is immutable, so each version has its own Job, which can exist beside the previous one.
#[test]
fn the_kubernetes_job_is_of_this_version() {
    let manifest = read("deploy/kubernetes/countersign.yaml");
    let version = env!("CARGO_PKG_VERSION");
    assert!(manifest.contains(&format!("name: countersign-migrate-{}\n", version.replace('.', "-"))));
    assert_eq!(manifest.matches(&format!("image: countersign:{version}\n")).count(), 2);
    assert!(manifest.contains("HASHING_THREADS"));
}

/// The unit never gives up, and reads a renewed certificate on reload.
#[test]
fn the_unit_starts_again_without_end_and_reloads() {
    let unit = read("deploy/systemd/countersign.service");
    for line in ["StartLimitIntervalSec=0", "ExecReload=kill -HUP $MAINPID", "Restart=on-failure"] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}
