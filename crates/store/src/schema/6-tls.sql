-- Version 6: what other domains say of TLS, and how it went.

-- Policies of domains, as they were fetched last (RFC 8461): the id of the TXT record then, the text
-- of the policy. A domain is asked again (asked_at: the last time) when its record's id is another,
-- or at renew_at; the policy is in force until expires_at. An empty text: there was none to be had.
CREATE TABLE sts_policy (
    domain TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    policy TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    renew_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);

-- Sessions with other servers, counted for the reports of RFC 8460: a day (since 1970, UTC), the
-- domain whose policy held, the kind of policy and its text (JSON), the result (its word in the
-- RFC, empty for a success), what failed where.
CREATE TABLE tls_session (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    kind TEXT NOT NULL,
    policy TEXT NOT NULL,
    result TEXT NOT NULL,
    host TEXT NOT NULL,
    address TEXT NOT NULL,
    detail TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (day, domain, kind, policy, result, host, address, detail)
);

-- Reports that a node has taken on itself: one for each domain and day, whatever became of it.
CREATE TABLE tls_report (
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    node INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    sent_at INTEGER,
    outcome TEXT NOT NULL,
    PRIMARY KEY (day, domain)
);
