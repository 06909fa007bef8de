-- Version 5: who handed a copy in, and how much each may send a day.
--
-- A submitter is `account NUMBER`, or `uid NUMBER node NUMBER` for a user of a machine. Days count
-- from 1970 (UTC).

-- Who sent the copy, where somebody logged in or used the submit socket; else empty.
ALTER TABLE spool ADD COLUMN submitter TEXT NOT NULL DEFAULT '';

-- What each submitter sent to elsewhere on one day, counted by the accept commit: recipients,
-- those of them it had never sent to, and copies that were held for it. clean is the number of
-- earlier days that the limits have grown by.
CREATE TABLE sent (
    submitter TEXT NOT NULL,
    day INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    held INTEGER NOT NULL,
    clean INTEGER NOT NULL,
    PRIMARY KEY (submitter, day)
) WITHOUT ROWID;

-- To whom each submitter has sent: a hash of the address, and the last day. Randomly ordered, and
-- written by the accept commit for those who log in alone.
CREATE TABLE correspondent (
    submitter TEXT NOT NULL,
    recipient INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    PRIMARY KEY (submitter, recipient)
) WITHOUT ROWID;

-- Days on which something of a submitter was held: since when, whose it is, and whether owner and
-- administrator were told.
CREATE TABLE send_hold (
    day INTEGER NOT NULL,
    submitter TEXT NOT NULL,
    at INTEGER NOT NULL,
    owner TEXT NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (day, submitter)
) WITHOUT ROWID;

-- Limits of single accounts and domains in place of the settings': kind is account or domain, record
-- its number; null: as the next wider says.
CREATE TABLE send_limit (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    kind TEXT NOT NULL,
    record INTEGER NOT NULL,
    recipients INTEGER,
    first_time INTEGER,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX send_limit_in_force ON send_limit (kind, record) WHERE valid_to IS NULL;
