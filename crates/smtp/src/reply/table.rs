//! The table: a row for each reason, in the order of `mail::Reason`.

use super::Severity::{self, Permanent, Temporary};
use mail::Reason::{self, *};

/// What a peer reads for one reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Whether time may usually cure it.
    pub(super) usual: Severity,
    /// The code where it is refused for good.
    pub(super) permanent: u16,
    /// The code where it is refused for now.
    pub(super) temporary: u16,
    /// Subject of the enhanced code; its class follows the code (RFC 3463 §3).
    pub(super) subject: u16,
    /// Detail of the enhanced code.
    pub(super) detail: u16,
    /// The text: no names, no addresses, nothing that tells more than the code does.
    pub(super) text: &'static str,
}

type Short = (Reason, Severity, u16, u16, (u16, u16), &'static str);

/// The row of `reason`; a reason that has none (a test finds it) is answered as an inner error.
pub(super) fn row(reason: Reason) -> Row {
    let short = ROWS.iter().find(|row| row.0 == reason).copied().unwrap_or(UNKNOWN);
    let (_, usual, permanent, temporary, (subject, detail), text) = short;
    Row { usual, permanent, temporary, subject, detail, text }
}

/// Whether `reason` has a row.
#[cfg(test)]
pub(super) fn has(reason: Reason) -> bool {
    ROWS.iter().any(|row| row.0 == reason)
}

const UNKNOWN: Short =
    (InternalError, Temporary, 554, 451, (3, 0), "Something went wrong here, try again later");

#[rustfmt::skip]
const ROWS: &[Short] = &[
    // Reasons for something allowed are never refusals; whoever sends one here made a mistake.
    (Unopposed, Temporary, 554, 451, (3, 0), "Not now"),
    (LocalAccount, Temporary, 554, 451, (3, 0), "Not now"),
    (LocalAlias, Temporary, 554, 451, (3, 0), "Not now"),
    (RoleAddress, Temporary, 554, 451, (3, 0), "Not now"),
    (RelayDomain, Temporary, 554, 451, (3, 0), "Not now"),
    (RelayNetwork, Temporary, 554, 451, (3, 0), "Not now"),
    (AccessRelay, Temporary, 554, 451, (3, 0), "Not now"),
    (AccessAllowed, Temporary, 554, 451, (3, 0), "Not now"),
    (Authenticated, Temporary, 554, 451, (3, 0), "Not now"),
    (LocalSubmission, Temporary, 554, 451, (3, 0), "Not now"),
    (OwnMail, Temporary, 554, 451, (3, 0), "Not now"),
    (ReleaseRequest, Temporary, 554, 451, (3, 0), "Not now"),
    (ForwardBounce, Temporary, 554, 451, (3, 0), "Not now"),

    (TooManyConnections, Temporary, 554, 421, (3, 2), "Too many connections, try again later"),
    (TooManyFromAddress, Temporary, 554, 421, (7, 0), "Too many connections from your address, try again later"),
    (ShuttingDown, Temporary, 554, 421, (3, 2), "Service is shutting down, try again later"),
    (EarlyTalker, Permanent, 554, 421, (5, 1), "Wait for the greeting before you speak"),
    (ProxyHeader, Permanent, 554, 421, (7, 0), "The proxy does not say who connects"),
    (NetworkNotNamed, Permanent, 554, 421, (7, 1), "This door is not for you"),
    (ProxyCheck, Permanent, 550, 450, (7, 1), "No mail is taken over this connection"),
    (DataBeforeHandshake, Permanent, 554, 421, (5, 1), "Data was sent before the TLS handshake"),
    (TlsFailed, Temporary, 554, 454, (7, 0), "The TLS handshake failed"),
    (IdleTooLong, Temporary, 554, 421, (4, 2), "Silent for too long, closing"),
    (TooSlow, Temporary, 554, 421, (4, 2), "Too slow, closing"),
    (TooManyErrors, Temporary, 554, 421, (7, 0), "Too many errors, closing"),
    (RateExceeded, Temporary, 554, 450, (7, 1), "Too much in too short a time, try again later"),

    (UnknownCommand, Permanent, 500, 451, (5, 1), "Command not known"),
    (CommandDisabled, Permanent, 502, 451, (5, 1), "Command not implemented"),
    (BadSequence, Permanent, 503, 451, (5, 1), "Command out of order"),
    (SyntaxError, Permanent, 501, 451, (5, 2), "Syntax error"),
    (UnknownParameter, Permanent, 555, 451, (5, 4), "Parameter not known"),
    (CommandTooLong, Permanent, 500, 451, (5, 2), "Line too long"),
    (BareLineEnd, Permanent, 550, 451, (6, 0), "A line ends in a bare CR or LF (RFC 5321 section 2.3.8)"),
    (BareLineEndRepaired, Permanent, 550, 451, (6, 0), "A line ends in a bare LF"),
    (NulByte, Permanent, 550, 451, (6, 0), "The message holds a NUL byte"),
    (LongLine, Permanent, 550, 451, (6, 0), "A line of the message is too long"),
    (LineTooLong, Permanent, 552, 451, (6, 0), "A line of the message is longer than 65536 bytes"),
    (HeaderTooLarge, Permanent, 552, 451, (3, 4), "The message header is too large"),
    (MessageTooLarge, Permanent, 552, 452, (3, 4), "The message is too large"),
    (TooManyRecipients, Temporary, 552, 452, (5, 3), "Too many recipients, send the rest in another transaction"),
    (TooManyHops, Permanent, 554, 451, (4, 6), "Too many hops, this looks like a mail loop"),
    (NeedsSmtputf8, Permanent, 553, 451, (6, 7), "An address with non-ASCII characters needs SMTPUTF8"),

    (AccessRejected, Permanent, 550, 450, (7, 1), "Access denied"),
    (AccessDiscarded, Permanent, 550, 450, (7, 1), "Access denied"),
    (AccessQuarantined, Permanent, 550, 450, (7, 1), "Access denied"),
    (RelayDenied, Permanent, 550, 450, (7, 1), "Relaying denied"),
    (NoRouteYet, Temporary, 550, 451, (3, 2), "Delivery to that domain is not possible at present"),
    (ForwardBounceDropped, Permanent, 550, 450, (1, 1), "No such recipient here"),
    (ForwardAddressUnfit, Permanent, 550, 450, (1, 1), "No such recipient here"),
    (RecipientUnverified, Temporary, 550, 451, (4, 3), "The recipient cannot be verified at present, try again later"),
    (UnknownRecipient, Permanent, 550, 450, (1, 1), "No such recipient here"),
    (AccountDisabled, Permanent, 550, 450, (2, 1), "The mailbox is disabled"),
    (MailboxFull, Temporary, 552, 452, (2, 2), "The mailbox is full"),
    (AliasLoop, Permanent, 554, 451, (4, 6), "The alias leads back to itself"),
    (AliasTooLarge, Permanent, 554, 451, (3, 5), "The alias has too many members"),
    (TlsRequired, Permanent, 530, 454, (7, 0), "Must issue a STARTTLS command first"),
    (LoginRequired, Permanent, 530, 454, (7, 0), "Authentication required"),
    (SenderNotOwned, Permanent, 553, 450, (7, 1), "The sender's address does not belong to this log-in"),
    (UnknownUser, Permanent, 554, 421, (7, 1), "The system's user database does not know you"),
    // One text for the unknown name, the wrong password, and the right one in the wrong place.
    (BadCredentials, Permanent, 535, 454, (7, 8), "Authentication credentials invalid"),
    (CredentialUnfit, Permanent, 535, 454, (7, 8), "Authentication credentials invalid"),
    (CredentialEnded, Temporary, 554, 421, (7, 0), "Log in again"),
    (ChannelBinding, Permanent, 535, 454, (7, 8), "Authentication credentials invalid"),
    (LoginBudget, Temporary, 535, 454, (7, 0), "Authentication is not possible at present, try again later"),
    (SendLimit, Temporary, 554, 450, (7, 1), "Not now"),
    (UnknownLink, Permanent, 550, 450, (7, 1), "Access denied"),
    (ForeignForm, Permanent, 550, 450, (7, 1), "Access denied"),
    (MailboxInUse, Temporary, 554, 450, (2, 0), "The mailbox is in use"),

    (SubjectProhibited, Permanent, 553, 450, (7, 1), "The subject of the message is prohibited"),
    (Ambiguous, Permanent, 550, 450, (6, 0), "The message could be read in more than one way"),
    (AttachmentProhibited, Permanent, 550, 450, (7, 1), "The message has a part of a kind that is not let in"),
    (AttachmentUnreadable, Permanent, 550, 450, (7, 1), "The message has a part that cannot be looked into"),
    (TooComplex, Permanent, 550, 450, (7, 1), "The message is too complex to be looked through"),
    (VirusFound, Permanent, 550, 450, (7, 1), "The message has a virus"),
    (ScannerFailed, Temporary, 550, 451, (7, 1), "The message cannot be checked at present, try again later"),
    (SpamScore, Permanent, 550, 450, (7, 1), "The message looks like spam"),
    (FromUnusable, Permanent, 550, 450, (6, 0), "From must be there once, with addresses alone"),
    (DmarcReject, Permanent, 550, 450, (7, 1), "The domain in From disowns it (DMARC)"),
    (DmarcQuarantine, Permanent, 550, 450, (7, 1), "The domain in From disowns it (DMARC)"),
    (OwnDomainForged, Permanent, 550, 450, (7, 1), "The domain in From is ours, and not yours"),
    (AuthenticationUnclear, Temporary, 550, 451, (7, 0), "The domain in From cannot be asked now"),
    (TrustedSealer, Permanent, 550, 450, (7, 1), "The message is not wanted here"),
    (MailingList, Permanent, 550, 450, (7, 1), "The message is not wanted here"),
    (ForgedTraceField, Permanent, 550, 450, (6, 0), "The message has a header field that only we may write"),

    // Told to senders by notices, not in a session.
    (RemoteAccepted, Temporary, 554, 451, (0, 0), "Taken by another server"),
    (RemoteRefused, Permanent, 554, 451, (3, 0), "Refused by another server"),
    (RemoteDeferred, Temporary, 554, 451, (3, 0), "Deferred by another server"),
    (RemoteUnreachable, Temporary, 554, 451, (4, 1), "No server of the domain could be reached"),
    (RemoteFault, Temporary, 554, 451, (5, 0), "Another server broke the protocol"),
    (RemoteUntrusted, Temporary, 554, 451, (7, 5), "Another server did not prove who it is"),
    (NoSuchDomain, Permanent, 550, 450, (1, 2), "The domain does not exist or takes no mail"),
    (NullMx, Permanent, 556, 450, (1, 10), "The domain says that it takes no mail"),
    (DnsFailed, Temporary, 554, 451, (4, 3), "The name servers of the domain do not answer"),
    (RouteToSelf, Permanent, 554, 451, (4, 6), "The way would lead back to this server"),
    (Expired, Permanent, 554, 451, (4, 7), "It could not be delivered in time"),

    (StorageFull, Temporary, 552, 452, (3, 1), "Not enough storage, try again later"),
    (StorageFailed, Temporary, 554, 451, (3, 0), "The message could not be kept, try again later"),
    (FilterTimeout, Temporary, 554, 451, (3, 0), "The message could not be checked in time, try again later"),
    UNKNOWN,
];
