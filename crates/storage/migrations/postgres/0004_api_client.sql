-- Clients of the API, told apart by the keys that they send.
CREATE TABLE api_client (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the key, which itself is kept nowhere.
    key_hash BYTEA NOT NULL UNIQUE CHECK (length(key_hash) = 32),
    -- The origins of web pages that may use it, as a JSON array.
    origins TEXT COLLATE "C" NOT NULL,
    requests_per_minute BIGINT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);
