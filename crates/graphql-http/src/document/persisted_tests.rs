use serde_json::json;

use super::*;

const TEXT: &str = "{ __typename }";

fn ask(query: Option<&str>, hash: Option<&str>) -> GraphqlRequest {
    let mut ask = GraphqlRequest { query: query.map(str::to_owned), ..GraphqlRequest::default() };
    if let Some(hash) = hash {
        ask.extensions.insert("persistedQuery".to_owned(), json!({"version": 1, "sha256Hash": hash}));
    }
    ask
}

fn hash(text: &str) -> String {
    hex::encode(digest(text))
}

fn refused(documents: &Documents, mut ask: GraphqlRequest) -> (String, &'static str) {
    let refusal = documents.find(&mut ask).unwrap_err();
    (refusal.message, refusal.code.as_str())
}

#[test]
fn tr_11_unknown_hash_makes_apollo_fall_back() {
    let (message, code) = refused(&Documents::inline(), ask(None, Some(&hash(TEXT))));
    assert_eq!((message.as_str(), code), ("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED"));
    let kept = Documents::persisted(2);
    let (message, code) = refused(&kept, ask(None, Some(&hash(TEXT))));
    assert_eq!((message.as_str(), code), ("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"));
}

#[test]
fn tr_11_document_is_stored_after_limits_and_found_by_hash() {
    let kept = Documents::persisted(2);
    let found = kept.find(&mut ask(Some(TEXT), Some(&hash(TEXT)))).unwrap();
    assert!(kept.find(&mut ask(None, Some(&hash(TEXT)))).is_err());
    kept.store(&found);
    assert_eq!(&*kept.find(&mut ask(None, Some(&hash(TEXT)))).unwrap().text, TEXT);
}

#[test]
fn hash_of_another_document_is_refused() {
    let kept = Documents::persisted(2);
    assert_eq!(refused(&kept, ask(Some(TEXT), Some(&hash("{ other }")))).1, "BAD_REQUEST");
    assert_eq!(refused(&kept, ask(Some(TEXT), Some("zz"))).1, "BAD_REQUEST");
    assert_eq!(refused(&kept, ask(None, None)).1, "BAD_REQUEST");
}

#[test]
fn tr_11_store_is_bounded_and_evicts_least_recently_used() {
    let kept = PersistedDocuments::new(2);
    let put = |text: &str| kept.insert(digest(text), text.into());
    put("a");
    put("b");
    assert!(kept.get(&digest("a")).is_some());
    put("c");
    assert!(kept.get(&digest("b")).is_none());
    assert!(kept.get(&digest("a")).is_some() && kept.get(&digest("c")).is_some());
}

#[test]
fn only_trusted_documents_run_by_name_hash_or_text() {
    let manifests = [
        json!({ hash(TEXT): TEXT }),
        json!({"format": "apollo-persisted-query-manifest", "version": 1,
               "operations": [{"id": hash(TEXT), "name": "T", "type": "query", "body": TEXT}]}),
    ];
    for manifest in manifests {
        let documents = Documents::trusted(TrustedDocuments::from_manifest(&manifest).unwrap());
        let by_name = |name: String| GraphqlRequest { document_id: Some(name), ..GraphqlRequest::default() };
        assert!(documents.find(&mut by_name(hash(TEXT))).unwrap().trusted);
        assert!(documents.find(&mut by_name(format!("sha256:{}", hash(TEXT)))).is_ok());
        assert!(documents.find(&mut ask(None, Some(&hash(TEXT)))).is_ok());
        assert!(documents.find(&mut ask(Some(TEXT), None)).is_ok());
        assert_eq!(refused(&documents, ask(Some("{ other }"), None)).1, "FORBIDDEN");
        assert_eq!(refused(&documents, by_name("nope".to_owned())).1, "FORBIDDEN");
        assert_eq!(refused(&documents, ask(None, None)).1, "BAD_REQUEST");
    }
}

#[test]
fn hash_prefix_and_version_are_optional() {
    let kept = Documents::persisted(2);
    kept.store(&kept.find(&mut ask(Some(TEXT), Some(&format!("sha256:{}", hash(TEXT))))).unwrap());
    let asked = |persisted: Value| {
        let mut ask = GraphqlRequest::default();
        ask.extensions.insert("persistedQuery".to_owned(), persisted);
        ask
    };
    for version in [json!(1), json!("1"), json!(1.0), json!(null)] {
        assert!(kept.find(&mut asked(json!({"version": version, "sha256Hash": hash(TEXT)}))).is_ok(), "{version}");
    }
    assert!(kept.find(&mut asked(json!({"sha256Hash": hash(TEXT).to_uppercase()}))).is_ok());
    for wrong in [
        json!({"version": 2, "sha256Hash": hash(TEXT)}),
        json!({"version": 1}),
        json!("x"),
        json!({"sha256Hash": format!("sha256:sha256:{}", hash(TEXT))}),
        json!({"sha256Hash": "abc"}),
    ] {
        assert_eq!(refused(&kept, asked(wrong.clone())).1, "BAD_REQUEST", "{wrong}");
    }
}

#[test]
fn document_id_without_manifest_is_refused_with_setting_name() {
    for documents in [Documents::inline(), Documents::persisted(2)] {
        let documents = documents.with_setting("TRUSTED_DOCUMENTS");
        let named = |query: Option<&str>| GraphqlRequest { document_id: Some("x".to_owned()), ..ask(query, None) };
        assert!(refused(&documents, named(None)).0.contains("TRUSTED_DOCUMENTS"));
        assert!(documents.find(&mut named(Some(TEXT))).is_ok());
    }
}

#[test]
fn names_are_looked_up_exactly() {
    let manifest = json!({"GetIt": TEXT, "da39a3ee5e6b4b0d3255bfef95601890afd80709": "{ other }"});
    let documents = Documents::trusted(TrustedDocuments::from_manifest(&manifest).unwrap());
    let other = |mut ask: GraphqlRequest| documents.find(&mut ask).map(|found| found.text.to_string());
    assert_eq!(other(ask(None, Some("GetIt"))).unwrap(), TEXT);
    assert_eq!(other(ask(None, Some("da39a3ee5e6b4b0d3255bfef95601890afd80709"))).unwrap(), "{ other }");
    let by_id = GraphqlRequest { document_id: Some(format!("sha256:{}", hash(TEXT))), ..GraphqlRequest::default() };
    assert_eq!(other(by_id).unwrap(), TEXT);
    assert_eq!(refused(&documents, ask(None, Some("nope"))).1, "FORBIDDEN");
}

#[test]
fn invalid_manifest_is_refused() {
    for manifest in [json!([]), json!({"a": 1}), json!({"a": "{"}), json!({"operations": [{"id": "x"}]})] {
        assert!(TrustedDocuments::from_manifest(&manifest).is_err(), "{manifest}");
    }
}
