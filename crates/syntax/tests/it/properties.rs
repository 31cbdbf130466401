//! What holds for every text.

use loggia_syntax::data::{Bytes, CidLink, Data, Integer};
use loggia_syntax::{
    AtIdentifier, AtUri, Cid, Datetime, Did, Excerpt, Format, Handle, Language, Nsid, RecordKey,
    SpaceRef, Tid, Uri,
};
use proptest::prelude::*;

use crate::cases;

/// Whatever a text is: nothing panics, and what is accepted can be taken apart and read back.
fn survives(text: &str) {
    for format in Format::ALL {
        if let Err(error) = format.check(text) {
            assert!(error.at() <= text.len(), "{format} {text:?}");
            error.with_text(text).to_string();
        }
    }
    Excerpt(text).to_string();
    if let Ok(uri) = AtUri::from_any_spelling(text) {
        assert_eq!(uri.authority().as_str(), uri.parts().authority);
        let parts = uri.parts();
        assert_eq!(uri.space().is_some(), parts.space.is_some());
        assert_eq!(uri.author().as_ref().map(Did::as_str), parts.author);
        assert_eq!(
            uri.collection().as_ref().map(Nsid::as_str),
            parts.collection
        );
        assert_eq!(uri.rkey().as_ref().map(RecordKey::as_str), parts.rkey);
    }
    if let Ok(space) = SpaceRef::from_any_spelling(text) {
        let again = SpaceRef::from_parts(&space.authority(), &space.space_type(), &space.skey());
        assert_eq!(again, space);
    }
    if let Ok(did) = Did::new(text) {
        assert_eq!(format!("did:{}:{}", did.method(), did.identifier()), text);
    }
    if let Ok(nsid) = Nsid::new(text) {
        assert_eq!(format!("{}.{}", nsid.authority(), nsid.name()), text);
        nsid.domain();
    }
    if let Ok(either) = AtIdentifier::new(text) {
        assert_ne!(either.did().is_some(), either.handle().is_some());
    }
    if let Ok(handle) = Handle::new(text) {
        assert!(handle.is_same(&handle.normalized()));
    }
    if let Ok(datetime) = Datetime::new(text)
        && let Some(again) = Datetime::from_unix_micros(datetime.unix_micros())
    {
        assert_eq!(again.unix_micros(), datetime.unix_micros());
    }
    if let Ok(tid) = Tid::new(text) {
        let again = Tid::from_micros(tid.micros(), tid.clock_id());
        assert_eq!(again, (tid.micros() < 1 << 53).then_some(tid));
    }
    if let Ok(cid) = Cid::new(text) {
        cid.decode().map(drop).unwrap_or_default();
    }
    if let Ok(link) = CidLink::new(text) {
        assert_eq!(CidLink::from(link.cid()).cid(), link.cid());
    }
    if let Ok(bytes) = Bytes::from_base64(text) {
        assert_eq!(Bytes::checked_length(text), Ok(bytes.len()));
        assert_eq!(Bytes::from_base64(&bytes.to_base64()), Ok(bytes));
    }
    if let Ok(language) = Language::new(text) {
        assert!(text.starts_with(language.primary()));
    }
    if let Ok(uri) = Uri::new(text) {
        assert!(text.starts_with(uri.scheme()));
    }
}

/// Every own case, valid or not.
fn any_case() -> impl Strategy<Value = &'static str> {
    let all: Vec<_> = cases::ALL
        .iter()
        .flat_map(|cases| cases.valid.iter().chain(cases.invalid))
        .collect();
    prop::sample::select(all).prop_map(|text| *text)
}

fn any_data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::from),
        any::<i64>().prop_map(Data::from),
        ".{0,8}".prop_map(Data::from),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| Bytes::from(bytes).into()),
        any::<[u8; 32]>().prop_map(|digest| {
            let hash = cid::multihash::Multihash::wrap(0x12, &digest).expect("32 bytes fit");
            CidLink::from(cid::Cid::new_v1(0x71, hash)).into()
        }),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Data::from),
            prop::collection::btree_map("[a-z$é]{0,4}", inner, 0..6).prop_map(Data::from),
        ]
    })
}

#[test]
fn what_is_accepted_comes_back_exactly() {
    macro_rules! there_and_back {
        ($($name:ident)*) => {
            for case in cases::ALL {
                match case.format {
                    $(Format::$name => for text in case.valid {
                        let value: $name = text.parse().expect("accepted");
                        let json = serde_json::to_string(&value).expect("writable");
                        assert_eq!(json, serde_json::to_string(text).expect("writable"));
                        assert_eq!(serde_json::from_str::<$name>(&json).expect("readable"), value);
                    })*
                }
            }
        };
    }
    there_and_back! {
        AtIdentifier AtUri Cid Datetime Did Handle Language Nsid RecordKey SpaceRef Tid Uri
    }
}

proptest! {
    #[test]
    fn hostile_text(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn hostile_changes_of_good_text(
        text in any_case(),
        cut in any::<prop::sample::Index>(),
        insert in prop_oneof![Just(String::new()), ".{1,2}", "[#/:.%=@ -]{1,3}"],
        keep_tail in any::<bool>(),
    ) {
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let tail = if keep_tail { &text[at..] } else { "" };
        survives(&format!("{}{insert}{tail}", &text[..at]));
    }

    #[test]
    fn uris_are_the_sum_of_their_parts(
        authority in "did:[a-z]{1,5}:[a-zA-Z0-9._:%-]{0,20}[a-z]",
        handle in "[a-z0-9]{1,10}\\.[a-z]{2,5}",
        nsid in "[a-z]{2,5}\\.[a-z0-9]{1,10}\\.[a-zA-Z]{1,10}",
        rkey in "[a-zA-Z0-9_~:-]{1,20}",
    ) {
        let (did, nsid) = (Did::new(authority).unwrap_or_else(|e| panic!("{e}")), Nsid::new(nsid));
        let nsid = nsid.unwrap_or_else(|e| panic!("{e}"));
        let rkey = RecordKey::new(rkey).unwrap_or_else(|e| panic!("{e}"));
        let handle = AtIdentifier::new(handle).unwrap_or_else(|e| panic!("{e}"));
        let record = AtUri::record(&handle, &nsid, &rkey);
        prop_assert_eq!(AtUri::check(record.as_str()), Ok(()));
        prop_assert_eq!((record.authority(), record.collection()), (handle, Some(nsid.clone())));
        let space = SpaceRef::from_parts(&did, &nsid, &rkey);
        prop_assert_eq!(SpaceRef::from_any_spelling(&space.legacy_spelling()), Ok(space.clone()));
        let within = AtUri::in_space(&space, &did, &nsid, &rkey);
        prop_assert_eq!(AtUri::check(within.as_str()), Ok(()));
        prop_assert_eq!((within.space(), within.author(), within.rkey()), (Some(space), Some(did), Some(rkey)));
    }

    #[test]
    fn tids_sort_by_time(a in 0..1u64 << 53, b in 0..1u64 << 53, clock in 0..1024u16) {
        let tid = |micros| Tid::from_micros(micros, clock).expect("in range");
        prop_assert_eq!((tid(a).micros(), tid(a).clock_id()), (a, clock));
        prop_assert_eq!(Tid::check(tid(a).as_str()), Ok(()));
        prop_assert_eq!(tid(a).cmp(&tid(b)), a.cmp(&b));
    }

    #[test]
    fn datetimes_keep_their_moment(micros in -62_167_219_200_000_000..253_402_300_800_000_000_i64) {
        let datetime = Datetime::from_unix_micros(micros).expect("in range");
        prop_assert_eq!(Datetime::check(datetime.as_str()), Ok(()));
        prop_assert_eq!(datetime.unix_micros(), micros);
    }

    #[test]
    fn data_comes_back_from_both_forms(data in any_data()) {
        let cbor = serde_ipld_dagcbor::to_vec(&data).expect("writable");
        prop_assert_eq!(&serde_ipld_dagcbor::from_slice::<Data>(&cbor).expect("readable"), &data);
        let json = serde_json::to_string(&data).expect("writable");
        prop_assert_eq!(serde_json::from_str::<Data>(&json).expect("readable"), data);
    }

    #[test]
    fn integers_never_lose_a_digit(value in any::<i64>()) {
        let read: Integer = serde_json::from_str(&value.to_string()).expect("an integer");
        prop_assert_eq!(read.0, value);
    }
}
