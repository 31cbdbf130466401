//! Who is told of what happens in a space.

use loggia_delivery::{EndpointId, Recipient};
use loggia_storage::{Registration, RegistrationShape};
use loggia_syntax::Did;

/// Registrations for a space that hold now.
pub struct Audience(pub(crate) Vec<Registration>);

/// What is told once of each event, however many have registered it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place<'a> {
    /// A URL, and whether it is told of records.
    Url(&'a str, bool),
    /// A service where its document says that it is.
    Service(EndpointId),
}

impl Audience {
    /// The webhooks that are told of what this author does, or of what nobody in particular does: those
    /// that were registered with the protocol's spelling of the space, or with the older one.
    pub(super) fn webhooks(&self, author: Option<&Did>, older_spelling: bool) -> Vec<Recipient> {
        let told = self.told(true, author).into_iter();
        told.filter(|(one, _)| one.older_spelling == older_spelling)
            .map(|(_, recipient)| recipient)
            .collect()
    }

    /// Whether anybody hears of each record of this author.
    pub(super) fn has_webhooks(&self, author: &Did) -> bool {
        !self.told(true, Some(author)).is_empty()
    }

    /// The services that are told of an author's advance. Only the newest of what waits for them about
    /// an author is of interest.
    pub(super) fn services(&self, author: &Did) -> Vec<Recipient> {
        let told = self.told(false, Some(author)).into_iter();
        told.map(|(_, recipient)| Recipient {
            topic: Some(author.to_string()),
            ..recipient
        })
        .collect()
    }

    /// The services that are told of what nobody in particular does.
    pub(super) fn all_services(&self) -> Vec<Recipient> {
        let told = self.told(false, None).into_iter();
        told.map(|(_, recipient)| recipient).collect()
    }

    /// Each place once, for as long as the last who has registered it may be told: otherwise as many
    /// readers as there are could have somebody called as often.
    ///
    /// A URL that several have registered is told at the endpoint of one of them, and the secrets of the others
    /// sign as well: of who asked for this author alone, because what waits there can be handed on to each of
    /// the others; of those of the space's authority, or else of who came first. What service a reader names
    /// is their own word and counts for nothing here.
    fn told(&self, of_records: bool, author: Option<&Did>) -> Vec<(&Registration, Recipient)> {
        let concerns = |one: &&Registration| {
            (one.shape == RegistrationShape::Webhook) == of_records
                && (author.is_none() || one.author.is_none() || one.author.as_ref() == author)
        };
        let mut all: Vec<_> = self.0.iter().filter(concerns).collect();
        let order = |one: &Registration| (one.author.is_none(), one.is_readers());
        all.sort_by(|one, next| (place(one), order(one)).cmp(&(place(next), order(next))));
        let places = all.chunk_by(|one, next| place(one) == place(next));
        let mut told: Vec<_> = places.map(first).collect();
        told.sort_by_key(|(one, _)| one.id);
        told
    }
}

/// The first of those who have registered one place.
fn first<'a>(same: &[&'a Registration]) -> (&'a Registration, Recipient) {
    let until = same.iter().map(|one| one.expires_at).max();
    let one = same[0];
    let recipient = Recipient::new(one.endpoint, until.unwrap_or(one.expires_at));
    (one, recipient)
}

fn place(one: &Registration) -> Place<'_> {
    match one.shape {
        RegistrationShape::Webhook => Place::Url(&one.url, true),
        RegistrationShape::Draft => Place::Url(&one.url, false),
        RegistrationShape::Protocol => Place::Service(one.endpoint),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use loggia_storage::RegistrationId;
    use loggia_syntax::SpaceRef;

    use super::*;

    fn did(name: &str) -> Did {
        Did::new(format!("did:web:{name}.example.com")).expect("a DID")
    }

    /// The registration of a reader, or of the authority itself, of a number that goes up with time.
    fn made(number: u8, reader: Option<&str>, url: &str) -> Registration {
        let at = Timestamp::from_second(i64::from(number)).expect("a time");
        let space = SpaceRef::new("at://did:plc:abc123/space/com.example.forum/main");
        Registration {
            id: RegistrationId::new(at, [0; 10]),
            space: space.expect("a space"),
            service: reader.map_or_else(|| did("feed"), did).to_string(),
            shape: RegistrationShape::Webhook,
            url: url.to_owned(),
            author: None,
            older_spelling: false,
            endpoint: EndpointId::new(at, [number; 10]),
            created_by: reader.map_or_else(|| did("authority"), did),
            reader: reader.map(did),
            credential: None,
            expires_at: at,
        }
    }

    #[test]
    fn a_url_is_told_once_as_the_authority_or_the_first_has_registered_it() {
        let told = |all: &[&Registration]| {
            let audience = Audience(all.iter().copied().cloned().collect());
            let told = audience.webhooks(None, false).into_iter();
            told.map(|to| (to.endpoint, to.deadline))
                .collect::<Vec<_>>()
        };
        let bob = made(1, Some("bob"), "https://feed.example.com/");
        // Whatever service she names, which here is her own DID.
        let mallory = made(2, Some("mallory"), "https://feed.example.com/");
        let other = made(3, Some("mallory"), "https://feed.example.com/?other");
        let owner = made(4, None, "https://feed.example.com/");
        let once = told(&[&bob, &mallory, &other]);
        assert_eq!(
            once,
            [
                (bob.endpoint, mallory.expires_at),
                (other.endpoint, other.expires_at)
            ]
        );
        assert_eq!(told(&[&mallory]), [(mallory.endpoint, mallory.expires_at)]);
        let with_owner = told(&[&bob, &mallory, &owner]);
        assert_eq!(with_owner, [(owner.endpoint, owner.expires_at)]);
        let mut narrow = made(5, Some("carol"), "https://feed.example.com/");
        narrow.author = Some(did("alice"));
        let of_alice = Audience(vec![bob.clone(), owner.clone(), narrow.clone()]);
        let endpoint = |author: &str| of_alice.webhooks(Some(&did(author)), false)[0].endpoint;
        assert_eq!(endpoint("alice"), narrow.endpoint);
        assert_eq!(endpoint("dave"), owner.endpoint);
        let mut draft = bob.clone();
        draft.shape = RegistrationShape::Draft;
        assert_eq!(told(&[&draft]), []);
    }
}
