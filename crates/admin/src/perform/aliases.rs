//! Aliases: of the files and the store, reviewed and expanded by `policy`.

use crate::paging::page;
use crate::{Admin, AliasReview, AliasView, Error, Paging, Response};
use config::aliases::parse_goals;
use mail::{Address, Domain};
use policy::aliases::{Flag, Review};

/// Most goals of one alias of the store.
const GOALS_MAX: usize = 1_000;

pub(super) fn list(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    let reviews = admin.policy.snapshot().review();
    let view = |Review { name, goals, origin, .. }| AliasView { name, goals, origin };
    Ok(Response::Aliases(page("aliases", reviews, paging, |review| review.name.clone(), view)?))
}

pub(super) async fn add(
    admin: &Admin,
    name: &Address,
    goals: Vec<String>,
) -> Result<Response, Error> {
    let own = |domain: &Domain| admin.policy.snapshot().is_own(domain);
    if !name.domain().is_some_and(own) {
        return Err(Error::Invalid(format!("{} is not a domain of this server", name.host)));
    }
    if goals.is_empty() || goals.len() > GOALS_MAX {
        return Err(Error::Invalid(format!("an alias leads to 1 to {GOALS_MAX} goals")));
    }
    for goal in &goals {
        let (_, refused) = parse_goals(goal).map_err(Error::Invalid)?;
        if let Some(refused) = refused.first() {
            return Err(Error::Invalid(format!("`{}` is refused: {}", refused.text, refused.why)));
        }
    }
    admin.store.add_alias(name, goals).await?;
    let snapshot = admin.policy.snapshot();
    let flags = snapshot.show(&name.to_string()).map(|found| found.flags).unwrap_or_default();
    let odd: Vec<_> = flags.into_iter().map(Flag::word).collect();
    let told = if odd.is_empty() { String::new() } else { format!(" ({})", odd.join(", ")) };
    Ok(Response::Done(format!("the alias {name} is added{told}")))
}

pub(super) async fn remove(admin: &Admin, name: &Address) -> Result<Response, Error> {
    admin.store.remove_alias(name).await?;
    Ok(Response::Done(format!("the alias {name} is ended")))
}

pub(super) fn review(admin: &Admin, paging: &Paging) -> Result<Response, Error> {
    let reviews = admin.policy.snapshot().review();
    let reviews = page("aliases", reviews, paging, |review| review.name.clone(), reviewed)?;
    Ok(Response::AliasReview(reviews))
}

fn reviewed(review: Review) -> AliasReview {
    AliasReview {
        name: review.name,
        origin: review.origin,
        ends: review.ends.iter().map(ToString::to_string).collect(),
        flags: review.flags.into_iter().map(|flag| flag.word().to_owned()).collect(),
        notes: review.notes,
    }
}

/// What a name expands to: an address, or a local part at our first domain.
pub(super) fn show(admin: &Admin, name: &str) -> Result<Response, Error> {
    let nobody = || Error::NotFound(format!("there is no alias {name}"));
    let found = admin.policy.snapshot().show(name).ok_or_else(nobody)?;
    let origin = found.alias.as_ref().map(|(_, origin)| origin.clone()).ok_or_else(nobody)?;
    let here = found.targets.iter().map(|target| &target.address);
    let ends = here.chain(&found.disabled).chain(&found.outside);
    let row = AliasReview {
        name: name.to_owned(),
        origin,
        ends: ends.map(ToString::to_string).collect(),
        flags: found.flags.iter().map(|flag| flag.word().to_owned()).collect(),
        notes: found.steps.clone(),
    };
    Ok(Response::AliasReview(crate::Page { rows: vec![row], next: None }))
}
