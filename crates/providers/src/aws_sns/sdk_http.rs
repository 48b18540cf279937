//! Runs the AWS SDK on the HTTP client of the providers: the same TLS stack and timeouts, and the same precise errors
//! if there is no response.

use std::{error::Error, fmt};

use aws_sdk_sns::config::{ConfigBag, HttpClient as SdkHttpClient, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        interceptors::context::BeforeTransmitInterceptorContextMut,
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};

use crate::http_client::{HttpClient, ProviderResponse, TransportError};

/// The HTTP client for the SDK.
#[derive(Clone, Debug)]
pub struct AwsHttp {
    http: HttpClient,
}

impl AwsHttp {
    /// Runs the SDK on this client.
    pub fn new(http: HttpClient) -> Self {
        Self { http }
    }
}

impl SdkHttpClient for AwsHttp {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for AwsHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.http.clone();
        HttpConnectorFuture::new(async move {
            let failed =
                |transport_error| ConnectorError::other(Box::new(WrappedTransportError(transport_error)), None);
            // All requests of this service have their body in memory.
            let body = request.body().bytes().ok_or_else(|| failed(TransportError::NotSent))?.to_vec();
            let mut sending = http.post(request.uri()).body(body);
            for (name, value) in request.headers() {
                sending = sending.header(name, value);
            }
            http.send(sending)
                .await
                .map_err(failed)
                .and_then(|response| sdk_response(&response).ok_or_else(|| failed(TransportError::NoResponse)))
        })
    }
}

fn sdk_response(response: &ProviderResponse) -> Option<HttpResponse> {
    let status = StatusCode::try_from(response.status.as_u16()).ok()?;
    let mut sdk_response = HttpResponse::new(status, response.bytes().into());
    if let Some(span) = response.retry_after {
        sdk_response.headers_mut().insert("retry-after", span.as_secs().to_string());
    }
    Some(sdk_response)
}

/// Encodes a space in a form as `+`, as usual in forms and in other AWS SDKs, and not as `%20`. AWS accepts both, but
/// implementations that re-encode the form to verify the signature expect `+`.
#[derive(Debug)]
pub struct PlusForSpace;

impl Intercept for PlusForSpace {
    fn name(&self) -> &'static str {
        "PlusForSpace"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let Some(form) = request.body().bytes() else { return Ok(()) };
        let form = std::str::from_utf8(form)?.replace("%20", "+");
        request.headers_mut().insert("content-length", form.len().to_string());
        *request.body_mut() = form.into();
        Ok(())
    }
}

/// A transport error, wrapped for the SDK.
#[derive(Debug)]
struct WrappedTransportError(TransportError);

impl fmt::Display for WrappedTransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Error for WrappedTransportError {}

/// The transport error, if `error` wraps one.
pub fn transport_error(error: &ConnectorError) -> Option<TransportError> {
    error.source()?.downcast_ref::<WrappedTransportError>().map(|failed| failed.0)
}
