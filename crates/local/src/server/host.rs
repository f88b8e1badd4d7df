//! Which host names the endpoint answers to.
//!
//! A web page may point a host name of its own at 127.0.0.1, which gives it the same origin as the endpoint. Its requests
//! still carry that name, so unknown names are refused.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::HOST;
use axum::http::request;
use axum::http::uri::Authority;

use crate::error::AwsError;

/// The allowed host names.
pub(super) struct Hosts {
    listen: IpAddr,
    /// In lower case, without port.
    allowed: Vec<String>,
}

impl Hosts {
    pub(super) fn new(listen: SocketAddr, allowed: &[String]) -> Hosts {
        Hosts { listen: listen.ip(), allowed: allowed.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Refuses a request for another host name.
    ///
    /// # Errors
    /// `AccessDeniedException` (403) with what to do.
    pub(super) fn check(&self, parts: &request::Parts) -> Result<(), AwsError> {
        let header = parts.headers.get(HOST).map(|host| host.to_str().unwrap_or_default());
        let named = [header, parts.uri.authority().map(Authority::as_str)];
        match named.into_iter().flatten().find(|name| !self.serves(name)) {
            None => Ok(()),
            Some(name) => {
                let name: String = name.chars().take(255).collect();
                let todo = "call it by localhost or a loopback address, or start it with --allow-host NAME";
                let message = format!("This endpoint is not called {name:?}: {todo}.");
                Err(AwsError::new("AccessDeniedException", message).status(403))
            }
        }
    }

    fn serves(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().to_ascii_lowercase();
        match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            // Unlike a name, an address cannot be made to point elsewhere.
            Ok(address) => {
                address.to_canonical().is_loopback() || address == self.listen || self.listen.is_unspecified()
            }
            Err(_) => name == "localhost" || name.ends_with(".localhost") || self.allowed.contains(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_served() {
        let hosts = Hosts::new(([127, 0, 0, 1], 0).into(), &["Glue".to_owned()]);
        for (host, served) in [
            ("localhost", true),
            ("LocalHost:4566", true),
            ("123456789012.localhost:4566", true),
            ("127.0.0.1:80", true),
            ("127.1.2.3", true),
            ("[::1]:4566", true),
            ("glue:4566", true),
            ("glue", true),
            ("", false),
            ("evil.example", false),
            ("localhost.evil.example:4566", false),
            ("127.0.0.1.evil.example", false),
            ("evil@localhost.evil", false),
            ("192.168.1.5:4566", false),
            ("my.glue:4566", false),
        ] {
            assert_eq!(hosts.serves(host), served, "{host}");
        }
        let open = Hosts::new(([0, 0, 0, 0], 0).into(), &[]);
        assert!(open.serves("192.168.1.5:4566") && !open.serves("evil.example"));
    }
}
