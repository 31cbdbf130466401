//! Who is told of what happens in a space.

use std::collections::HashSet;

use loggia_delivery::Recipient;
use loggia_storage::{Registration, RegistrationShape};
use loggia_syntax::Did;

/// Registrations for a space that hold now.
pub struct Audience(pub(crate) Vec<Registration>);

impl Audience {
    /// The webhooks that are told of what this author does, or of what nobody in particular does: those
    /// that were registered with the protocol's spelling of the space, or with the older one.
    pub(super) fn webhooks(&self, author: Option<&Did>, older_spelling: bool) -> Vec<Recipient> {
        let told = self.told(RegistrationShape::Webhook, author);
        told.filter(|one| one.older_spelling == older_spelling)
            .map(|one| Recipient::new(one.endpoint, one.expires_at))
            .collect()
    }

    /// Whether anybody hears of each record of this author.
    pub(super) fn has_webhooks(&self, author: &Did) -> bool {
        let mut told = self.told(RegistrationShape::Webhook, Some(author));
        told.next().is_some()
    }

    /// The services that are told of an author's advance. Only the newest of what waits for them about
    /// an author is of interest.
    pub(super) fn services(&self, author: &Did) -> Vec<Recipient> {
        let told = self.services_told(Some(author)).into_iter();
        told.map(|recipient| Recipient {
            topic: Some(author.to_string()),
            ..recipient
        })
        .collect()
    }

    /// The services that are told of what nobody in particular does.
    pub(super) fn all_services(&self) -> Vec<Recipient> {
        self.services_told(None)
    }

    /// Each endpoint once, whoever has registered it, for as long as the last of them.
    fn services_told(&self, author: Option<&Did>) -> Vec<Recipient> {
        let mut recipients: Vec<Recipient> = Vec::new();
        for one in self.told(RegistrationShape::Protocol, author) {
            let known = recipients
                .iter_mut()
                .find(|known| known.endpoint == one.endpoint);
            match known {
                Some(known) => known.deadline = known.deadline.max(one.expires_at),
                None => recipients.push(Recipient::new(one.endpoint, one.expires_at)),
            }
        }
        recipients
    }

    /// Each place once for each who has registered it, even if they have for everybody and for one
    /// author. What two have registered is told twice, with the secret of each: otherwise whoever comes
    /// first would stand for the other.
    fn told<'a>(
        &'a self,
        shape: RegistrationShape,
        author: Option<&'a Did>,
    ) -> impl Iterator<Item = &'a Registration> {
        let mut places = HashSet::new();
        let concerns = move |one: &&Registration| {
            one.shape == shape
                && (author.is_none() || one.author.is_none() || one.author.as_ref() == author)
        };
        let all = self.0.iter().filter(concerns);
        all.filter(move |one| places.insert((&*one.service, &*one.url, one.maker())))
    }
}
