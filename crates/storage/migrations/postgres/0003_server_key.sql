-- The server's own keys, one current key for each role.
CREATE TABLE server_key (
    -- The multikey (`z…`), which names its curve as well.
    public TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role TEXT COLLATE "C" NOT NULL CHECK (role IN ('atproto', 'atproto_space', 'tokens')),
    -- Sealed under the master key; erased when the key retires.
    secret BYTEA,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    CHECK ((secret IS NULL) = (retired_at IS NOT NULL))
);

CREATE UNIQUE INDEX server_key_current ON server_key (role) WHERE retired_at IS NULL;
