//! The state after 354: a reader of the body, and why its message is refused already, if it is.

use super::data::{Found, Limits, Reader};
use super::state::{Pending, Stage, State};
use super::{Machine, Options, Question, Queued, Step};
use crate::reply::{self, Reply};
use mail::{Reason, Refusal};

/// A message that is being received.
#[derive(Debug)]
pub(super) struct Receiving {
    reader: Reader,
    refused: Option<Refused>,
}

/// What a refused message is answered with, once its end has come.
#[derive(Debug)]
pub(super) struct Refused {
    reply: Reply,
    /// For the trace; the shell writes its own refusals there itself.
    note: Option<(Reason, &'static str)>,
}

impl Receiving {
    /// Begins after 354.
    pub(super) fn new(options: &Options) -> Self {
        let Options { size_max, header_size_max, bare_lf_repair, .. } = *options;
        let reader = Reader::new(Limits { size_max, header_size_max }, bare_lf_repair);
        Self { reader, refused: None }
    }

    /// Whether nothing of it is kept any more.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

impl Refused {
    /// A refusal by the shell, which has dropped and traced the message.
    pub(super) fn by_shell(refusal: &Refusal) -> Self {
        let severity = reply::usual_severity(refusal.reason);
        Self { reply: reply::for_refusal(severity, refusal), note: None }
    }
}

impl Machine {
    /// Reads on in the body.
    pub(super) fn body_step(&mut self) -> Step {
        let State::Data(receiving) = &mut self.state else { return Step::Again };
        let unread = self.input.unread();
        if unread.is_empty() {
            return Step::Read;
        }
        let (used, found) = receiving.reader.read(unread);
        let at = self.input.consume(used);
        match found {
            Found::Nothing => {}
            Found::Text => return Step::Body(at),
            Found::LineEnd => return Step::LineEnd,
            Found::Refused(fault) => {
                self.queue.push_back(Queued::Abandon);
                let refusal = Refusal::new(fault.reason());
                let note = Some((fault.reason(), fault.detail()));
                self.refuse_body(Refused { note, ..Refused::by_shell(&refusal) });
            }
            Found::End => self.end_of_body(),
            Found::Endless => {
                self.end_of_body();
                self.close();
            }
        }
        Step::Again
    }

    /// From here on the body is swallowed. The first refusal is the one that is answered.
    pub(super) fn refuse_body(&mut self, refused: Refused) {
        if let State::Data(receiving) = &mut self.state
            && receiving.refused.is_none()
        {
            receiving.reader.refuse();
            receiving.refused = Some(refused);
        }
    }

    fn end_of_body(&mut self) {
        let State::Data(receiving) = std::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        if let Some(Refused { reply, note }) = receiving.refused {
            self.state = State::Command(Stage::Ready);
            if let Some((reason, detail)) = note {
                self.note(reason, detail, reply.code);
            }
            (0..self.session.owed).for_each(|_| self.say(&reply));
            return self.count(&reply);
        }
        if receiving.reader.had_long_line() {
            self.queue.push_back(Queued::Remark(Reason::LongLine, "part=body"));
        }
        if receiving.reader.was_repaired() {
            self.queue.push_back(Queued::Remark(Reason::BareLineEndRepaired, "part=body"));
        }
        self.ask(Pending::Message, Question::Message);
    }
}
