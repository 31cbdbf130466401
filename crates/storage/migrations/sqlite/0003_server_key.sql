-- The server's own keys, one current key for each role.
CREATE TABLE server_key (
    -- The multikey (`z…`), which names its curve as well.
    public TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('atproto', 'atproto_space', 'tokens')),
    -- Sealed under the master key; erased when the key retires.
    secret BLOB,
    created_at INTEGER NOT NULL,
    retired_at INTEGER,
    CHECK ((secret IS NULL) = (retired_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX server_key_current ON server_key (role) WHERE retired_at IS NULL;
