//! The settings of the transports, with the names that refusals show.

use graphql_http::{DocumentLimits, Documents, Limit, Settings, Timeouts, TrustedDocuments};

use platform::config::http::Http;

/// The settings of the endpoint.
///
/// # Errors
/// A message for the operator if the manifest of trusted documents can't be used.
pub fn settings(http: &Http) -> Result<Settings, String> {
    let documents = match (&http.trusted_documents, http.persisted_queries) {
        (Some(path), _) => {
            let trusted = TrustedDocuments::load(path).map_err(|reason| format!("TRUSTED_DOCUMENTS: {reason}"))?;
            Documents::trusted(trusted)
        }
        (None, Some(max)) => Documents::persisted(max),
        (None, None) => Documents::inline(),
    };
    let document = &http.document;
    let timeouts = &http.timeouts;
    Ok(Settings {
        max_body: Limit::named(http.max_body, "MAX_BODY"),
        document: DocumentLimits {
            bytes: Limit::named(document.bytes, "MAX_DOCUMENT"),
            tokens: Limit::named(document.tokens, "MAX_TOKENS"),
            operations: Limit::named(document.operations, "MAX_OPERATIONS"),
            depth: Limit::named(document.depth, "MAX_DEPTH"),
            complexity: Limit::named(document.complexity, "MAX_COMPLEXITY"),
            aliases: Limit::named(document.aliases, "MAX_ALIASES"),
            root_mutations: Limit::named(document.root_mutations, "MAX_ROOT_MUTATIONS"),
            directives: Limit::named(document.directives, "MAX_DIRECTIVES"),
        },
        max_batch: http.max_batch.map(|max| Limit::named(max, "MAX_BATCH")),
        documents: documents.with_setting("TRUSTED_DOCUMENTS"),
        introspection: http.introspection,
        execution_timeout: http.execution_timeout,
        operations_per_socket: Limit::named(http.operations_per_socket, "OPERATIONS_PER_SOCKET"),
        timeouts: Timeouts {
            init: timeouts.init,
            heartbeat: timeouts.heartbeat,
            write: timeouts.write_timeout,
            close: timeouts.close_timeout,
        },
    })
}
