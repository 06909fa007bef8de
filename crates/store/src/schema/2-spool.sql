-- Version 2: mail on its way elsewhere.

-- Other renditions of a message than the one in its row; number 1 is how it is sent on.
CREATE TABLE rendition (
    message INTEGER NOT NULL,
    number INTEGER NOT NULL,
    pieces BLOB NOT NULL,
    PRIMARY KEY (message, number)
) WITHOUT ROWID;

-- One row for each copy that is sent on and not settled yet; n names its recipient in the ledger.
-- It is due at next_at, unless it is held (why; empty: it is not). While owner is set it is leased:
-- next_at is then when the lease ends, so that what a node left behind is due by itself. Each lease
-- has a higher fence, and who settles names his. Of the last attempt: when, the reply code, the
-- reason, the remote's words, the host. warned: the sender was told of the delay.
CREATE TABLE spool (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,
    account INTEGER,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    destination TEXT NOT NULL,
    options TEXT NOT NULL,
    size INTEGER NOT NULL,
    queued_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    held TEXT NOT NULL,
    last_at INTEGER,
    last_reply INTEGER NOT NULL,
    last_reason TEXT NOT NULL,
    last_text TEXT NOT NULL,
    last_host TEXT NOT NULL,
    owner INTEGER,
    fence INTEGER NOT NULL
);
-- New rows are due now, so this grows at its end; retries move single rows.
CREATE INDEX spool_due ON spool (next_at, id);
