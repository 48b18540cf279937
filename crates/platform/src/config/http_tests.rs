use super::*;

fn read(vars: &[(&str, &str)]) -> (Http, Vec<String>) {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let env = Env::new(vars, SETTINGS.iter().copied());
    let http = Http::from_env(&env);
    (http, env.into_refusals().into_iter().map(|refusal| refusal.name).collect())
}

#[test]
fn defaults_are_valid() {
    let (http, refusals) = read(&[]);
    assert_eq!(refusals, Vec::<String>::new());
    assert!(http.introspection && http.graphiql);
    assert_eq!(http.max_batch, None);
    assert!(http.cors_origins.is_empty() && http.trusted_proxies.is_empty());
}

#[test]
fn production_disables_introspection_and_graphiql_by_default() {
    let (http, _) = read(&[("ENVIRONMENT", "production")]);
    assert!(!http.introspection && !http.graphiql);
    let (http, _) = read(&[("ENVIRONMENT", "production"), ("INTROSPECTION", "on")]);
    assert!(http.introspection);
}

#[test]
fn origins_are_normalised_like_browsers_send_them() {
    let (http, refusals) = read(&[("CORS_ORIGINS", "https://App.example.com:443, http://localhost:5173")]);
    assert_eq!(refusals, Vec::<String>::new());
    assert_eq!(http.cors_origins, ["https://app.example.com", "http://localhost:5173"]);
    for bad in ["*", "https://*.example.com", "example.com", "https://example.com/app", "null"] {
        assert_eq!(read(&[("CORS_ORIGINS", bad)]).1, ["CORS_ORIGINS"], "{bad}");
    }
}

#[test]
fn app_origins_with_own_schemes_are_accepted() {
    let apps = [
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "app://-",
        "app://Bundle.Id",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://7e4ed0ad-8d2d-4b3c-9a0c-3a2ae9a6f1bb",
        "vscode-webview://1a2b3c",
        "exp://192.168.1.7:8081",
    ];
    for app in apps {
        let (http, refusals) = read(&[("CORS_ORIGINS", app)]);
        assert_eq!((http.cors_origins.as_slice(), refusals.len()), ([app.to_owned()].as_slice(), 0), "{app}");
        assert_eq!(read(&[("PUBLIC_URL", app)]).1, ["PUBLIC_URL"], "{app}");
    }
    for bad in [
        "file://",
        "file://localhost",
        "FILE://localhost",
        "wss://app.example.com",
        "capacitor://",
        "capacitor:localhost",
        "capacitor://localhost/",
        "capacitor://localhost/index.html",
        "capacitor://localhost?a",
        "app://*",
        "app://user@host",
        "://localhost",
    ] {
        assert_eq!(read(&[("CORS_ORIGINS", bad)]).1, ["CORS_ORIGINS"], "{bad}");
    }
}

#[test]
fn op_04_plain_http_on_a_public_address_does_not_start_in_production() {
    let public = [("ENVIRONMENT", "production"), ("LISTEN_ADDR", "0.0.0.0:8000")];
    assert_eq!(read(&public).1, ["LISTEN_ADDR"]);
    assert!(read(&[public[0], public[1], ("TRUSTED_PROXIES", "10.0.0.0/8")]).1.is_empty());
    assert!(read(&[public[0], public[1], ("TLS_CERT", "a.pem"), ("TLS_KEY", "b.pem")]).1.is_empty());
}

#[test]
fn certificate_without_key_or_key_without_certificate_is_refused() {
    assert_eq!(read(&[("TLS_CERT", "a.pem")]).1, ["TLS_KEY"]);
    assert_eq!(read(&[("TLS_KEY", "a.pem")]).1, ["TLS_CERT"]);
}

#[test]
fn connections_per_address_default_to_a_quarter_of_all() {
    assert_eq!(read(&[("MAX_CONNECTIONS", "60")]).0.connections_per_address, 15);
    let settings = [("MAX_CONNECTIONS", "60"), ("CONNECTIONS_PER_ADDRESS", "60")];
    assert_eq!(read(&settings).0.connections_per_address, 60);
    assert_eq!(read(&[("CONNECTIONS_PER_ADDRESS", "0")]).1, ["CONNECTIONS_PER_ADDRESS"]);
}

#[test]
fn outbox_access_defaults_to_local() {
    assert!(!read(&[]).0.outbox_open);
    assert!(read(&[("OUTBOX_ACCESS", "all")]).0.outbox_open);
    assert_eq!(read(&[("OUTBOX_ACCESS", "on")]).1, ["OUTBOX_ACCESS"]);
}
