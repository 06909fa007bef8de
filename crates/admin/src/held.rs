//! What somebody whose mail is held may see of it and ask for, by a token and without a log-in: the
//! release page of `web` is a skin over this.
//!
//! A request is only a request, as by mail ([`filter::release`]): the administrator releases.

use crate::Error;
use crate::perform::mailboxes;
use mail::{Address, Door, HeldPart};
use std::net::IpAddr;
use store::{Actor, Held, HeldFilter, HeldKind, Store};

/// The same name as of who asks by mail.
const NAME: &str = "recipient";

/// What a token leads to.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What is held: one thing, or the first of several, which are the parts of one message, for
    /// each of its recipients.
    pub first: Held,
    others: Vec<Held>,
    /// Whether who asks has to say who he is: the token is the message's, and that came to several.
    pub needs_address: bool,
}

/// What is shown of something that is held: never its content.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// From of the message, decoded; empty where its body is gone.
    pub from: String,
    /// Its subject, decoded.
    pub subject: String,
    /// Its date, as it was written.
    pub date: String,
    /// The parts that are held; none where all of it is.
    pub parts: Vec<HeldPart>,
}

impl Wanted {
    /// What a token leads to; `None` where it is wrong, was used, or the thing is held no more.
    ///
    /// # Errors
    /// The store's.
    pub async fn by_token(store: &Store, token: &str) -> Result<Option<Self>, Error> {
        let mut rows = store.held_by_token(token).await?.into_iter();
        let Some(first) = rows.next() else { return Ok(None) };
        // Parts are asked for by the token of their message, which every recipient of it has.
        let needs_address = first.kind == HeldKind::Part && {
            let message = Some(first.message);
            let all = HeldFilter { message, settled: true, ..HeldFilter::default() };
            store.quarantine_list(0, &all, 2).await?.len() > 1
        };
        Ok(Some(Self { first, others: rows.collect(), needs_address }))
    }

    /// What may be shown of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn seen(&self, store: &Store) -> Result<Seen, Error> {
        seen(store, &self.first).await
    }

    /// Asks for its release, and spends the token; with an address only for what is held for it.
    /// How many things were asked for: none where the address is another, or somebody was quicker.
    ///
    /// # Errors
    /// The store's.
    pub async fn ask(
        &self,
        store: &Store,
        address: Option<&Address>,
        peer: IpAddr,
    ) -> Result<usize, Error> {
        let by = Actor { door: Door::Https, name: NAME, peer: Some(peer) };
        let mut asked = 0;
        let rows = std::iter::once(&self.first).chain(&self.others);
        for held in rows.filter(|held| self.is_for(held, address)) {
            asked += usize::from(store.request_held(held, &held.address, by).await?);
        }
        Ok(asked)
    }

    fn is_for(&self, held: &Held, address: Option<&Address>) -> bool {
        let is_his = |address: &Address| {
            Address::parse(&held.address).is_ok_and(|known| known.key() == address.key())
        };
        !self.needs_address || address.is_some_and(is_his)
    }
}

/// What may be shown of something that is held. Of what is gone there is no head; what is known of
/// it is told all the same.
pub(crate) async fn seen(store: &Store, held: &Held) -> Result<Seen, Error> {
    let index = match store.original(held.message).await {
        Ok(mut original) => Some(mailboxes::head(&mut original).await?),
        Err(store::Error::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let index = index.as_ref();
    let from = index.and_then(|index| index.from().first().map(ToString::to_string));
    let date = index.and_then(|index| Some(index.fields_named("date").next()?.text()));
    Ok(Seen {
        from: from.unwrap_or_default(),
        subject: index.and_then(|index| index.subject()).unwrap_or_default(),
        date: date.unwrap_or_default(),
        parts: store.held_parts(held.message).await?,
    })
}
