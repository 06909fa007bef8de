//! Why something was decided: a closed list, the same words in trace, reply, header and manual.

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// Why a decision came out as it did.
        ///
        /// The word ([`Reason::word`]) is what the trace, logs and filters show; the text that a
        /// peer sees is made in `smtp::reply` alone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// Every reason, in the order of the list.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The word of this reason, in snake case.
            pub fn word(self) -> &'static str {
                match self { $(Reason::$name => $word,)+ }
            }

            /// What this reason means, in a sentence for an administrator.
            pub fn meaning(self) -> &'static str {
                match self { $(Reason::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// The reason with this word, if there is one.
            pub fn from_word(word: &str) -> Option<Reason> {
                match word { $($word => Some(Reason::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    // Why something was allowed.
    /// No rule spoke against it.
    Unopposed = "unopposed",
    /// The recipient is an account of this server.
    LocalAccount = "local_account",
    /// The recipient is an alias that ends in accounts of this server.
    LocalAlias = "local_alias",
    /// Postmaster and abuse are always reachable (RFC 5321 §4.5.1, RFC 2142).
    RoleAddress = "role_address",
    /// The recipient's domain is listed as one that we relay for.
    RelayDomain = "relay_domain",
    /// The client's network is listed as one that may relay.
    RelayNetwork = "relay_network",
    /// The access map allows relaying.
    AccessRelay = "access_relay",
    /// The access map allows it (OK).
    AccessAllowed = "access_allowed",
    /// The client logged in.
    Authenticated = "authenticated",
    /// A user of this machine handed it in at the local submit socket.
    LocalSubmission = "local_submission",
    /// The server itself made the message.
    OwnMail = "own_mail",
    /// Who it is held for asks for something in the quarantine.
    ReleaseRequest = "release_request",
    /// A bounce of mail that was forwarded: it goes on to who sent that.
    ForwardBounce = "forward_bounce",

    // Connections and sessions.
    /// The server is at its limit of connections.
    TooManyConnections = "too_many_connections",
    /// This address (or IPv6 /64) is at its limit of connections.
    TooManyFromAddress = "too_many_from_address",
    /// The server is shutting down.
    ShuttingDown = "shutting_down",
    /// The client spoke before the greeting.
    EarlyTalker = "early_talker",
    /// A named proxy did not say who connects, or named a client that cannot be (PROXY protocol).
    ProxyHeader = "proxy_header",
    /// The client is in none of the networks that the door is for.
    NetworkNotNamed = "network_not_named",
    /// A proxy's own connection, which looks whether the server lives, sends no mail.
    ProxyCheck = "proxy_check",
    /// The client sent data in one segment with STARTTLS, before the handshake (RFC 3207 §4.2).
    DataBeforeHandshake = "data_before_handshake",
    /// The TLS handshake failed.
    TlsFailed = "tls_failed",
    /// The client was silent for too long.
    IdleTooLong = "idle_too_long",
    /// The client sent more slowly than the minimum rate.
    TooSlow = "too_slow",
    /// Too many errors in one session.
    TooManyErrors = "too_many_errors",
    /// Too many commands, connections or messages in a span of time.
    RateExceeded = "rate_exceeded",

    // Commands.
    /// The command is not known.
    UnknownCommand = "unknown_command",
    /// The command exists, but this server never offers it (VRFY, EXPN and their kin).
    CommandDisabled = "command_disabled",
    /// The command is out of order.
    BadSequence = "bad_sequence",
    /// The command or its parameters cannot be read.
    SyntaxError = "syntax_error",
    /// A parameter of MAIL or RCPT is not known.
    UnknownParameter = "unknown_parameter",
    /// A command line is longer than the standard allows.
    CommandTooLong = "command_too_long",
    /// A line ends in a bare CR or LF.
    BareLineEnd = "bare_line_end",
    /// A bare LF from a named network was repaired to CRLF.
    BareLineEndRepaired = "bare_line_end_repaired",
    /// The data holds a NUL byte.
    NulByte = "nul_byte",
    /// A body line is longer than the standard allows, but bearable.
    LongLine = "long_line",
    /// A body line is longer than 64 KiB.
    LineTooLong = "line_too_long",
    /// The message header is larger than the limit.
    HeaderTooLarge = "header_too_large",
    /// The message is larger than the limit.
    MessageTooLarge = "message_too_large",
    /// More recipients than one transaction may have.
    TooManyRecipients = "too_many_recipients",
    /// The message has passed through too many servers: a mail loop.
    TooManyHops = "too_many_hops",
    /// The message needs SMTPUTF8, which was not asked for (RFC 6531 §3.6).
    NeedsSmtputf8 = "needs_smtputf8",

    // Policy.
    /// The access map refuses it.
    AccessRejected = "access_rejected",
    /// The access map discards it.
    AccessDiscarded = "access_discarded",
    /// The access map puts mail of this sender or client into the quarantine.
    AccessQuarantined = "access_quarantined",
    /// Nobody allowed this client to send mail to that domain.
    RelayDenied = "relay_denied",
    /// The recipient may be accepted, but there is no place for it and no way to it.
    NoRouteYet = "no_route_yet",
    /// A bounce of mail that was forwarded, whose sender nobody vouched for: it goes to nobody.
    ForwardBounceDropped = "forward_bounce_dropped",
    /// The address is for bounces of forwarded mail: it was not made here or too long ago, or what
    /// comes is no bounce.
    ForwardAddressUnfit = "forward_address_unfit",
    /// Whether the recipient exists at the server that its mail is relayed to cannot be found out
    /// now.
    RecipientUnverified = "recipient_unverified",
    /// There is no such recipient.
    UnknownRecipient = "unknown_recipient",
    /// The recipient's account is disabled.
    AccountDisabled = "account_disabled",
    /// The recipient's mailbox is full.
    MailboxFull = "mailbox_full",
    /// The alias refers to itself.
    AliasLoop = "alias_loop",
    /// The alias expands to too many addresses or too deep.
    AliasTooLarge = "alias_too_large",
    /// No credentials without TLS, anywhere.
    TlsRequired = "tls_required",
    /// Who submits mail has to log in first (RFC 6409 §4.3, RFC 4954 §6).
    LoginRequired = "login_required",
    /// The log-in does not own the sender's address (RFC 6409 §6.1).
    SenderNotOwned = "sender_not_owned",
    /// The name or the password is wrong.
    BadCredentials = "bad_credentials",
    /// The app password is right, but not for this protocol or network, or it has expired.
    CredentialUnfit = "credential_unfit",
    /// The password that this session logged in with was removed or has expired.
    CredentialEnded = "credential_ended",
    /// The log-in is bound to another TLS connection: somebody may stand between (RFC 5802 §6).
    ChannelBinding = "channel_binding",
    /// The user of this machine has no name in its user database, or none that makes an address.
    UnknownUser = "unknown_user",
    /// Too many failed log-ins lately.
    LoginBudget = "login_budget",
    /// A link of the release page leads to nothing: it was used, its time is over, or it never was.
    UnknownLink = "unknown_link",
    /// A form came from another site, or without the mark that this server gave its page.
    ForeignForm = "foreign_form",
    /// The mailbox is open in another session (RFC 1939 §4).
    MailboxInUse = "mailbox_in_use",
    /// The sender has sent more to elsewhere in a day than it may: it is held in the queue.
    SendLimit = "send_limit",

    // Content.
    /// The subject matches a prohibited one.
    SubjectProhibited = "subject_prohibited",
    /// Two mail programs could read the message differently.
    Ambiguous = "ambiguous",
    /// A part is of a kind that is not let in: a program, a script, what a mail program may start.
    AttachmentProhibited = "attachment_prohibited",
    /// Nobody could look inside a part: it is encrypted or damaged.
    AttachmentUnreadable = "attachment_unreadable",
    /// Looking inside a part would take more than the limits allow: too deep, too many, too large.
    TooComplex = "too_complex",
    /// A scanner found a virus.
    VirusFound = "virus_found",
    /// A scanner did not answer, or could not do its work.
    ScannerFailed = "scanner_failed",
    /// A scanner gave the message points for being spam.
    SpamScore = "spam_score",
    /// There is more than one From field, or no author can be read in it (RFC 5322 §3.6).
    FromUnusable = "from_unusable",
    /// The author's domain wants such mail refused: neither SPF nor DKIM shows that it is its own
    /// (RFC 9989).
    DmarcReject = "dmarc_reject",
    /// The author's domain wants such mail put aside: neither SPF nor DKIM shows that it is its own
    /// (RFC 9989).
    DmarcQuarantine = "dmarc_quarantine",
    /// A client from outside wrote one of our own domains into From, and neither SPF nor DKIM shows
    /// that it may.
    OwnDomainForged = "own_domain_forged",
    /// Whether the author's domain stands behind the message cannot be told now: the DNS did not
    /// answer.
    AuthenticationUnclear = "authentication_unclear",
    /// A server whose seal is trusted says that the message was authentic when it had it (ARC).
    TrustedSealer = "trusted_sealer",
    /// A mailing list that is named in the settings sent it on.
    MailingList = "mailing_list",
    /// A header field that only this server may write came from outside and was removed.
    ForgedTraceField = "forged_trace_field",

    // Sending on.
    /// Another server took it.
    RemoteAccepted = "remote_accepted",
    /// The other server refused it for good.
    RemoteRefused = "remote_refused",
    /// The other server refused it for now.
    RemoteDeferred = "remote_deferred",
    /// No server of the domain could be reached, or the connection broke.
    RemoteUnreachable = "remote_unreachable",
    /// The other server broke the protocol.
    RemoteFault = "remote_fault",
    /// The other server could not prove who it is, or offered no TLS, where its domain or the
    /// sender demands it.
    RemoteUntrusted = "remote_untrusted",
    /// The recipient's domain does not exist, or has neither mail servers nor addresses.
    NoSuchDomain = "no_such_domain",
    /// The recipient's domain says that it takes no mail (RFC 7505).
    NullMx = "null_mx",
    /// The name servers of the recipient's domain did not answer.
    DnsFailed = "dns_failed",
    /// The way would lead back to this server.
    RouteToSelf = "route_to_self",
    /// It could not be sent on within its lifetime.
    Expired = "expired",

    // The server's own state.
    /// The disk is (nearly) full.
    StorageFull = "storage_full",
    /// The store could not keep it.
    StorageFailed = "storage_failed",
    /// The filter did not finish in time.
    FilterTimeout = "filter_timeout",
    /// Something went wrong inside; the log knows what.
    InternalError = "internal_error",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

impl<'de> serde::Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Reason::from_word(&word)
            .ok_or_else(|| serde::de::Error::custom(format!("no reason is called {word}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use std::collections::HashSet;

    #[test]
    fn words_are_unique_in_snake_case_and_found_again() {
        let words: HashSet<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for &reason in Reason::ALL {
            let word = reason.word();
            let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(word.chars().all(proper), "{word}");
            assert!(!word.starts_with('_') && !word.ends_with('_') && !word.contains("__"));
            assert_eq!(Reason::from_word(word), Some(reason));
            assert!(reason.meaning().ends_with('.'), "{word}");
        }
        assert_eq!(Reason::from_word("no_such_reason"), None);
    }

    #[test]
    fn json_holds_the_word() -> Result<(), serde_json::Error> {
        assert_eq!(serde_json::to_string(&Reason::RelayDenied)?, "\"relay_denied\"");
        assert_eq!(serde_json::from_str::<Reason>("\"relay_denied\"")?, Reason::RelayDenied);
        assert!(serde_json::from_str::<Reason>("\"x\"").is_err());
        Ok(())
    }
}
