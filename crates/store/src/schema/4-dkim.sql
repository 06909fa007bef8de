-- Version 4: keys that sign what leaves.

-- The keys of own domains. algorithm is rsa-sha256 or ed25519-sha256, record the text to publish at
-- selector._domainkey.domain, secret the private key as PEM. Each time is set once and never
-- changed: a key is published (its record is to be in the DNS), seen (it was there), activated (it
-- signs), retired (it signs no more, and its secret is wiped: it is of use to a thief alone) and
-- ended (its record may go).
-- Ended rows stay, so that no selector is ever used twice.
CREATE TABLE dkim_key (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    domain TEXT NOT NULL,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    secret TEXT NOT NULL,
    record TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    seen_at INTEGER,
    activated_at INTEGER,
    retired_at INTEGER,
    valid_to INTEGER
);
CREATE UNIQUE INDEX dkim_key_selector ON dkim_key (domain, selector);
-- Of each algorithm a domain has one key that signs and one that is to follow.
CREATE UNIQUE INDEX dkim_key_signs ON dkim_key (domain, algorithm)
    WHERE activated_at IS NOT NULL AND retired_at IS NULL;
CREATE UNIQUE INDEX dkim_key_follows ON dkim_key (domain, algorithm)
    WHERE activated_at IS NULL AND retired_at IS NULL;
