-- Version 3: app passwords, and what an account may send as besides its own addresses.

-- Random bytes that every node of this store shares, and nobody else has.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);

-- Passwords of one program each, as verifiers of SCRAM-SHA-256 (RFC 5802). protocols and networks
-- are lists, separated by blanks; no network means any. Only the verifier of an ended one is wiped:
-- like a password's hash it is a credential, not a decision.
CREATE TABLE app_password (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    protocols TEXT NOT NULL,
    networks TEXT NOT NULL,
    expires INTEGER,
    salt BLOB,
    iterations INTEGER NOT NULL,
    stored_key BLOB,
    server_key BLOB,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX app_password_in_force ON app_password (account, name) WHERE valid_to IS NULL;

-- When and from where an app password was used last, written once a day for each place.
CREATE TABLE app_password_use (
    app_password INTEGER PRIMARY KEY,
    last_at INTEGER NOT NULL,
    last_place TEXT NOT NULL
);

-- Addresses, or all of a domain (@example.org), that an account may send as.
CREATE TABLE sender_grant (
    id INTEGER PRIMARY KEY,
    organisation INTEGER NOT NULL,
    node INTEGER NOT NULL,
    account INTEGER NOT NULL,
    granted TEXT NOT NULL,
    granted_key TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER
);
CREATE UNIQUE INDEX sender_grant_in_force ON sender_grant (account, granted_key)
    WHERE valid_to IS NULL;
