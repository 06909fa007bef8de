//! Scanners: how they do, and whether a test virus gets past them all.

use crate::self_test::SelfTest;
use crate::{Admin, Error, Response};
use mail::{MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

/// An operation on scanners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ScannerRequest {
    /// Ask each how it does, now.
    Status,
    /// Send the test virus through the server's own door.
    SelfTest,
}

/// What is known of scanners.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScannerResponse {
    /// Each server of each scanner.
    Status(Vec<ScannerView>),
    /// What became of the test virus.
    SelfTest(SelfTestView),
}

/// One server of a scanner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannerView {
    /// `clamd`, `spamd`, `command`.
    pub scanner: String,
    /// Where it is.
    pub place: String,
    /// `up`, `old` (its signatures are), `down`, or `unknown`: a command that has not run yet.
    pub state: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When that was seen last.
    pub seen: Option<Timestamp>,
    /// What is wrong; empty where nothing is.
    pub why: String,
    /// Its version, in its own words.
    pub version: String,
    /// When its newest signatures were made, if it tells.
    pub signatures: Option<Timestamp>,
}

/// What became of the test virus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestView {
    /// `caught`, `missed` (caught, but not by every scanner), `passed`, or `unclear`: something
    /// else was in the way.
    pub outcome: String,
    /// What the server answered.
    pub reply: String,
    /// The message's number in the trace.
    pub message: Option<MessageId>,
    /// The rules that named the virus.
    pub found_by: Vec<String>,
    /// Scanners that should have.
    pub missed_by: Vec<String>,
}

impl ScannerView {
    /// Whether it needs somebody's hand.
    pub fn is_wrong(&self) -> bool {
        matches!(self.state.as_str(), "old" | "down")
    }
}

impl SelfTestView {
    /// Whether all is as it should be.
    pub fn is_caught(&self) -> bool {
        self.outcome == "caught"
    }
}

impl From<filter::scanner::State> for ScannerView {
    fn from(state: filter::scanner::State) -> Self {
        Self {
            scanner: state.kind.to_owned(),
            place: state.place,
            state: state.standing.word().to_owned(),
            since: state.since,
            seen: state.seen,
            why: state.why,
            version: state.version,
            signatures: state.signatures,
        }
    }
}

pub(crate) async fn perform(admin: &Admin, request: ScannerRequest) -> Result<Response, Error> {
    Ok(Response::Scanner(match request {
        ScannerRequest::Status => {
            admin.filter.ask_scanners(&admin.clock).await;
            let states = admin.filter.scanners().states();
            ScannerResponse::Status(states.into_iter().map(ScannerView::from).collect())
        }
        ScannerRequest::SelfTest => ScannerResponse::SelfTest(self_test(admin).await?),
    }))
}

async fn self_test(admin: &Admin) -> Result<SelfTestView, Error> {
    let facts = (admin.running()?.facts)();
    let mut doors = facts.doors.iter().filter(|door| door.door == "smtp");
    let test = SelfTest {
        store: Arc::clone(&admin.store),
        policy: Arc::clone(&admin.policy),
        filter: Arc::clone(&admin.filter),
        clock: admin.clock.clone(),
        door: doors.find_map(|door| door.address.parse::<SocketAddr>().ok()),
    };
    test.run().await.map_err(Error::Refused)
}
