//! Mail that is held because its sender sent too much in a day: owner and administrator are told,
//! once for each day.

use crate::Queue;
use mail::{Address, Recipient};
use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;
use net::Drain;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use store::{Acceptance, Error, SendHold};
use tokio::time::{MissedTickBehavior, interval};

/// How often the store is asked whether somebody is to be told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Tells of what is held until the drain.
pub async fn run(queue: Arc<Queue>, drain: Drain) {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = drain.wait() => return,
            _ = looks.tick() => {}
        }
        match queue.store.untold_holds(queue.clock.now()).await {
            Ok(holds) => {
                for hold in holds {
                    tell(&queue, &hold).await;
                }
            }
            Err(error) => tracing::debug!(%error, "who is to be told of held mail is not known"),
        }
    }
}

async fn tell(queue: &Queue, hold: &SendHold) {
    let name = hold.name();
    tracing::warn!(account = name, held = hold.held, "mail is held: more than it may send a day");
    let notice = match notice(queue, hold).await {
        Ok(notice) => Some(notice),
        Err(why) => {
            // Nobody can be told by mail; the log has it, and it ends.
            tracing::error!(account = name, why, "nobody is told of held mail");
            None
        }
    };
    match queue.store.tell_hold(hold, notice).await {
        // Another node was faster.
        Ok(()) | Err(Error::Conflict { .. }) => {}
        Err(error) => tracing::error!(%error, "a notice of held mail cannot be kept"),
    }
}

/// The notice, ready to be kept: to the owner, and to whom postmaster's mail goes.
async fn notice(queue: &Queue, hold: &SendHold) -> Result<Acceptance, String> {
    let snapshot = queue.policy.snapshot();
    let hostname = queue.hostname();
    let postmaster = Address::at("postmaster", &hostname).map_err(|error| error.to_string())?;
    let mut recipients: Vec<Recipient> = Vec::new();
    for address in [&hold.owner, &postmaster] {
        let Some(recipient) = snapshot.own_mail(address) else { continue };
        // An owner without a mailbox is postmaster already.
        if recipients.iter().all(|known| known.targets != recipient.targets) {
            recipients.push(recipient);
        }
    }
    if recipients.is_empty() {
        return Err("there is neither an owner with a mailbox nor an administrator".to_owned());
    }
    let bytes = text(queue, hold, &postmaster).map_err(|error| error.to_string())?;
    let smtputf8 = hold.owner.needs_smtputf8();
    filter::notice::ours(&queue.filter, &queue.clock, recipients, smtputf8, &bytes).await
}

fn text(queue: &Queue, hold: &SendHold, postmaster: &Address) -> std::io::Result<Vec<u8>> {
    let (hostname, now, name) = (queue.hostname(), queue.clock.now(), hold.name());
    let mut text = format!("This is the mail server {hostname}.\r\n\r\n");
    let _ = write!(
        text,
        "Since {} mail that {name} sends to other servers is held: on this day it was written to\r\n\
         {} recipients, {} of them for the first time, which is more than a day's limit.\r\n\
         {} copies wait in the queue. None is lost, and none is sent before it is released.\r\n\r\n\
         Whoever did not send so much should have the password changed now.\r\n\r\n\
         An administrator sees what waits, and releases it, with\r\n\r\n\
         \x20   gatepost queue list --account {name}\r\n\
         \x20   gatepost queue release --account {name}\r\n\r\n\
         and gives more for the time to come with\r\n\r\n\
         \x20   gatepost account limit {name} --recipients N --first-time N\r\n",
        hold.at.rfc5322(),
        hold.recipients,
        hold.first_time,
        hold.held,
    );
    let from = "Mail Delivery System".to_owned();
    MessageBuilder::new()
        .from((from, format!("mailer-daemon@{hostname}")))
        .to(vec![hold.owner.to_string(), postmaster.to_string()])
        .subject(format!("Mail of {name} is held: more than it may send in a day"))
        .header("Date", Raw::new(now.rfc5322()))
        .message_id(format!("{}.held@{hostname}", now.0))
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(text)
        .write_to_vec()
}
