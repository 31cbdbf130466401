-- Clients of the API, told apart by the keys that they send.
CREATE TABLE api_client (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 of the key, which itself is kept nowhere.
    key_hash BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    -- The origins of web pages that may use it, as a JSON array.
    origins TEXT NOT NULL,
    requests_per_minute INTEGER,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
