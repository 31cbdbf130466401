//! What can be said after `loggia deliveries`.

use clap::{Args, Subcommand, ValueEnum};
use loggia_delivery::{DeliveryId, EndpointId};
use loggia_server::operator::{EndedState, RedeliveryId, read_delivery};

#[derive(Debug, Subcommand)]
pub enum DeliveriesCommand {
    /// Print deliveries, newest first.
    List(ListArgs),
    /// Print one delivery with what is sent and every attempt.
    Show {
        /// Which delivery, as `list` shows it.
        #[arg(value_name = "NOTIFICATION/ENDPOINT", value_parser = delivery)]
        delivery: DeliveryId,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send a delivery again that has ended in whatever way. A running server does so within seconds.
    Replay {
        /// Which delivery, as `list` shows it.
        #[arg(value_name = "NOTIFICATION/ENDPOINT", value_parser = delivery)]
        delivery: DeliveryId,
    },
    /// Send an endpoint again what it has missed. A running server does so in the background.
    ReplayAll {
        /// Which endpoint.
        #[arg(long, value_name = "ID")]
        endpoint: EndpointId,
        /// Only what was accepted from then on: a time, or how long ago, such as 36h.
        #[arg(long, value_name = "WHEN")]
        since: String,
        /// Only what ended so; more than one if needed.
        #[arg(long, value_enum, default_values_t = [State::Abandoned, State::Expired])]
        state: Vec<State>,
    },
    /// Print how far a replay has come.
    Progress {
        /// Which replay, as `replay-all` has printed it.
        #[arg(value_name = "ID")]
        id: RedeliveryId,
    },
    /// Make no further attempt of a delivery, or of all that an endpoint waits for. A server that runs
    /// on an SQLite file may still send what it holds in memory.
    Cancel(CancelArgs),
    /// Print attempts as they end, until interrupted.
    Tail {
        /// Only attempts at this endpoint.
        #[arg(long, value_name = "ID")]
        endpoint: Option<EndpointId>,
        /// Begin with what ended then: a time, or how long ago, such as 5m. Only what is new if
        /// absent.
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// Print one JSON object for each attempt.
        #[arg(long)]
        json: bool,
    },
    /// Print how an endpoint has been doing.
    Stats {
        /// Which endpoint.
        #[arg(long, value_name = "ID")]
        endpoint: EndpointId,
        /// Count from then on: a time, or how long ago.
        #[arg(long, value_name = "WHEN", default_value = "24h")]
        since: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub struct ListArgs {
    /// Only those to this endpoint.
    #[arg(long, value_name = "ID")]
    pub endpoint: Option<EndpointId>,
    /// Only those that stand so. The abandoned and the expired are the dead letters.
    #[arg(long, value_enum)]
    pub state: Option<State>,
    /// Only what was accepted from then on: a time, or how long ago, such as 36h.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print one JSON object for each.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct CancelArgs {
    /// Which delivery, as `list` shows it.
    #[arg(value_name = "NOTIFICATION/ENDPOINT", value_parser = delivery)]
    pub delivery: Option<DeliveryId>,
    /// All that this endpoint waits for.
    #[arg(long, value_name = "ID")]
    pub endpoint: Option<EndpointId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// They wait for an attempt.
    Pending,
    /// An attempt is being made, or is about to be.
    Leased,
    /// They arrived.
    Delivered,
    /// Their deadline passed.
    Expired,
    /// They were given up by rule.
    Abandoned,
    /// They were not to be made any more.
    Cancelled,
}

impl State {
    /// The name in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state if deliveries end in it.
    pub fn ended(self) -> Option<EndedState> {
        self.name().parse().ok()
    }
}

fn delivery(text: &str) -> Result<DeliveryId, String> {
    read_delivery(text).map_err(|_| "it takes two ids with a slash between them".to_owned())
}
