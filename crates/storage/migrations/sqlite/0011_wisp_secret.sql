-- Signing secrets that Wisp's webhooks name in the place of one in a public record.
CREATE TABLE wisp_secret (
    id BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Sealed.
    token BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX wisp_secret_name ON wisp_secret (owner, name);
