//! Generated types decoded from bytes and validated in full, against plain serde structs.

use loggia_api::place::stream::chat::message::Message;
use loggia_api::place::stream::server::create_webhook::Input;
use loggia_api::place::wisp::v2::wh::Wh;
use loggia_xrpc::Validate;
use serde::de::DeserializeOwned;

use crate::contest::Contest;
use crate::plain;
use crate::samples::{CREATE_WEBHOOK, MESSAGE, Sample, WH};

/// Decoding with validation costs at most this share of decoding without.
const GOAL: f64 = 0.9;

pub fn run() {
    contest::<plain::Message, Message>(MESSAGE);
    contest::<plain::CreateWebhook, Input>(CREATE_WEBHOOK);
    contest::<plain::Wh, Wh>(WH);
}

fn contest<Plain: DeserializeOwned, Ours: DeserializeOwned + Validate>(sample: Sample) {
    let bytes = sample.text.as_bytes();
    Contest::against(sample.title(), "serde_derive, owned, no validation", || {
        serde_json::from_slice::<Plain>(bytes).expect("samples have the right shape")
    })
    .lane("loggia, decoded", None, || decoded::<Ours>(bytes))
    .lane("loggia, decoded and validated", Some(GOAL), || {
        let value: Ours = decoded(bytes);
        value.validate().expect("samples are valid");
        value
    })
    .run();
}

fn decoded<Ours: DeserializeOwned>(bytes: &[u8]) -> Ours {
    loggia_xrpc::from_json(bytes).expect("samples have the right shape")
}
