//! The system's name servers, in the role that looking up handles and lexicon authorities asks for.

use loggia_identity::{LookUpTxt, TxtError};
use loggia_xrpc_client::{DnsClient, TxtLookupError};

/// Whoever answers for the DNS.
#[derive(Clone, Debug)]
pub struct NameServers(pub DnsClient);

impl LookUpTxt for NameServers {
    async fn look_up_txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        match self.0.look_up(name).await {
            Ok(records) => Ok(records),
            // There can be no record under what is no name.
            Err(TxtLookupError::Name(_)) => Ok(Vec::new()),
            Err(TxtLookupError::TooLarge { limit }) => Err(TxtError::TooLarge { limit }),
            Err(error) => Err(TxtError::Failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::time::Duration;

    use loggia_xrpc_client::DnsSettings;

    use super::*;

    #[tokio::test]
    async fn what_is_no_name_has_no_record_and_what_fails_may_be_tried_again() {
        // A name server that takes questions and never answers.
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let settings = DnsSettings {
            deadline: Duration::from_millis(100),
            ..DnsSettings::default()
        };
        let address = silent.local_addr().expect("an address");
        let dns = DnsClient::from_server(address, settings).expect("a resolver");
        let servers = NameServers(dns);
        let nothing = servers.look_up_txt("a..b").await.expect("an answer");
        assert!(nothing.is_empty());
        let error = servers.look_up_txt("_atproto.a.test").await;
        assert!(matches!(error, Err(TxtError::Failed(_))), "{error:?}");
    }
}
