-- A person on the way to their PDS and back. Named by the hash of OAuth's `state`; what the callback
-- needs is sealed. Lives ten minutes.
CREATE TABLE login_attempt (
    state BLOB NOT NULL PRIMARY KEY,
    browser BLOB NOT NULL,
    pending BLOB NOT NULL,
    started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_attempt_oldest ON login_attempt (started_at, state);

-- A person who is logged in with one browser. The cookie is known by its hash alone; the tokens of
-- the OAuth session behind it are sealed.
CREATE TABLE login_session (
    id BLOB NOT NULL PRIMARY KEY,
    cookie BLOB NOT NULL UNIQUE,
    did TEXT NOT NULL,
    handle TEXT,
    tokens BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX login_session_account ON login_session (did, id);

CREATE INDEX login_session_expiry ON login_session (expires_at);
