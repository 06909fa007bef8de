-- Version 7: mail that is held until somebody releases it.

-- One row for each recipient of whom something is held; n names its row in the ledger. kind is
-- message (the recipient got nothing; the ledger says quarantined) or part (it got the rest). While
-- state is held the row counts among the message's entries, so that its body stays; later states
-- are released, deleted and expired, with when and by whom. A release puts the whole message, in
-- its rendition number 2, into the mailboxes (their numbers, separated by commas); or, where there
-- are none, into the spool, as it would have been when it came: the columns from account to permit
-- are for that. requested: somebody asked for a release. tokens: how many of the row's tokens were
-- used. told_recipient and told_admin: the digest to them has it; told_request: the administrator
-- knows of the request.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    address TEXT NOT NULL,
    mailboxes TEXT NOT NULL,
    account INTEGER,
    submitter TEXT NOT NULL,
    onward_sender TEXT NOT NULL,
    destination TEXT NOT NULL,
    options TEXT NOT NULL,
    onward_size INTEGER NOT NULL,
    permit TEXT NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    full_size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    state_at INTEGER NOT NULL,
    state_by TEXT NOT NULL,
    requested_at INTEGER,
    requested_by TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    told_recipient INTEGER NOT NULL DEFAULT 0,
    told_admin INTEGER NOT NULL DEFAULT 0,
    told_request INTEGER NOT NULL DEFAULT 0
);
-- Grows at its end alone: for what is oldest, and for the size of all that is held.
CREATE INDEX quarantine_held ON quarantine (id, message, size) WHERE state = 'held';

-- The parts of a message that are held while the rest was delivered, with their places in its blob.
CREATE TABLE quarantine_part (
    message INTEGER NOT NULL,
    part INTEGER NOT NULL,
    place_start INTEGER NOT NULL,
    place_end INTEGER NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (message, part)
) WITHOUT ROWID;

-- Senders elsewhere who were told on a day (since 1970) that something of theirs is held: hashes of
-- their addresses. Nobody is told twice a day, whoever writes in his name.
CREATE TABLE told_sender (
    day INTEGER NOT NULL,
    address INTEGER NOT NULL,
    PRIMARY KEY (day, address)
) WITHOUT ROWID;
