-- The schema of Gatepost, version 1: one text, two engines.
--
-- Types are INTEGER (64 bits), TEXT and BLOB; PostgreSQL reads BIGINT, TEXT and BYTEA, and drops
-- WITHOUT ROWID. Times are milliseconds since 1970 (UTC). Truth values are 0 and 1. Ids come from
-- blocks (id_block), rise within a process, and are unique over all tables.
--
-- What decides is never overwritten: such rows have valid_from and valid_to (null: in force) and
-- are ended, not changed. Every domain, account, message and trace row belongs to an organisation
-- and names the node that wrote it.
--
-- The accept commit writes message, mailbox, entry, recipient and trace. None of them has an index
-- beside its primary key, and all keys but those of mailbox and entry only grow: nothing there is
-- randomly ordered but the ends of the mailboxes themselves.

-- Who shares this server.
CREATE TABLE organisation (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);

-- The machines that have opened this store.
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
);
CREATE UNIQUE INDEX node_name ON node (name);

-- Where the next block of ids begins.
CREATE TABLE id_block (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
);
INSERT INTO id_block (name, next) VALUES ('all', 1024);

-- Numbers that only grow: the directory's version, the last UIDVALIDITY.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL
);
INSERT INTO counter (name, number) VALUES ('directory', 0), ('uid_validity', 1000);

-- Timed work that one node at a time does.
CREATE TABLE job (
    name TEXT PRIMARY KEY,
    owner INTEGER,
    fence INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_run INTEGER
);

-- Domains whose mail is kept here.
CREATE TABLE domain (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    name TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX domain_in_force ON domain (name) WHERE valid_to IS NULL;

-- Who has mailboxes here. What can change about an account is in account_version.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    inbox INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX account_in_force ON account (address_key) WHERE valid_to IS NULL;

-- What an account was from when to when. Only the hash of an ended version is wiped: a password
-- is a credential, not a decision, and an old one is of use to a thief alone.
CREATE TABLE account_version (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    password_hash TEXT NOT NULL,
    quota INTEGER,
    admin INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX account_version_in_force ON account_version (account)
    WHERE valid_to IS NULL;

-- From where the owner of an account has logged in, written once a day.
CREATE TABLE known_place (
    account INTEGER NOT NULL,
    network TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (account, network)
) WITHOUT ROWID;
CREATE INDEX known_place_age ON known_place (last_seen);

-- Aliases made at run time; goals is a JSON list of texts.
CREATE TABLE alias (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    goals TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX alias_in_force ON alias (name_key) WHERE valid_to IS NULL;

-- Access entries made at run time, in sendmail's words.
CREATE TABLE access (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    tag TEXT NOT NULL,
    entry_key TEXT NOT NULL,
    entry_value TEXT NOT NULL,
    reason TEXT NOT NULL,
    expires INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX access_in_force ON access (tag, entry_key) WHERE valid_to IS NULL;

-- Subject rules made at run time; kind is text, prefix or regex.
CREATE TABLE subject_rule (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pattern TEXT NOT NULL,
    reply_code INTEGER NOT NULL,
    reply_enhanced TEXT NOT NULL,
    reply_text TEXT NOT NULL,
    expires INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX subject_rule_in_force ON subject_rule (kind, pattern)
    WHERE valid_to IS NULL;

-- The newest changes of the directory: which record each version touched (kind is domain, account,
-- alias, access or subject). By it a node follows what the others change.
CREATE TABLE directory_change (
    version INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    record INTEGER NOT NULL
);

-- How often an access entry or subject rule decided.
CREATE TABLE rule_hit (
    rule INTEGER PRIMARY KEY,
    hits INTEGER NOT NULL,
    last_at INTEGER NOT NULL
);

-- Folders. UIDs and mod-sequences only grow; uid_validity is never used twice on this store.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    special_use TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    size INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX mailbox_in_force ON mailbox (account, name) WHERE valid_to IS NULL;

-- A message in a mailbox. rendition 0 is the one in its message row.
CREATE TABLE entry (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    id INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    rendition INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;

-- What has left a mailbox, and why: owner, administrator, retention, account, moved. For
-- QRESYNC, and for the ledger back to the retention.
CREATE TABLE expunged (
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    message INTEGER NOT NULL,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;

-- Messages as received, once each. body_place: 0 nowhere (discarded, or collected), 1 here,
-- 2 a file. entries counts the rows of entry that show it; what reaches 0 is put into garbage.
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    session INTEGER,
    received_at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    size INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    body_place INTEGER NOT NULL,
    rendition BLOB,
    body BLOB
);

-- Messages that no entry shows any more, since when, and whether the collector has freed the
-- body. The row stays until the ledger forgets the message.
CREATE TABLE garbage (
    message INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    collected INTEGER NOT NULL
);
CREATE INDEX garbage_to_collect ON garbage (message) WHERE collected = 0;

-- The ledger: each recipient of each acknowledged message, once. state is mailbox (the entries
-- are where they or their expunged rows are) or discarded (by rule); entries is the list of
-- entry ids, separated by commas.
CREATE TABLE recipient (
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,
    address TEXT NOT NULL,
    state TEXT NOT NULL,
    entries TEXT NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (message, n)
) WITHOUT ROWID;

-- Every decision with its reason, in the words of mail::trace.
CREATE TABLE trace (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    session INTEGER,
    message INTEGER,
    door TEXT NOT NULL,
    peer TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    reply INTEGER NOT NULL,
    reason TEXT NOT NULL,
    rule TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- What the trace can be searched by: a hash of message, session or address, added in bulk later.
CREATE TABLE trace_term (
    term INTEGER NOT NULL,
    trace INTEGER NOT NULL,
    PRIMARY KEY (term, trace)
) WITHOUT ROWID;

-- Up to which id the rows of each node are in trace_term.
CREATE TABLE trace_indexed (
    node INTEGER PRIMARY KEY,
    through INTEGER NOT NULL
);

-- Refusals that were too many to be listed, by node, minute, source network and reason.
CREATE TABLE refusal_count (
    node INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    network TEXT NOT NULL,
    reason TEXT NOT NULL,
    refusals INTEGER NOT NULL,
    PRIMARY KEY (node, minute, network, reason)
) WITHOUT ROWID;
