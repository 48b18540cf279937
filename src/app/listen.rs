//! Listening on an address, with an error message that says what to do.

use std::{io::ErrorKind, net::SocketAddr};

use tokio::net::TcpListener;

/// Listens on the address that the variable names.
///
/// # Errors
/// An error message for the operator, with the variable and what to do.
pub async fn listen(variable: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => ": stop the program that uses it, or set another port",
            ErrorKind::PermissionDenied => ": set a port above 1023, or permit this user to listen on lower ones",
            ErrorKind::AddrNotAvailable => ": set an address of this machine",
            _ => "",
        };
        format!("{variable}: can't listen on {address}: {error}{hint}")
    })
}
