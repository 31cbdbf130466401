-- Signing secrets that Wisp's webhooks name in the place of one in a public record.
CREATE TABLE wisp_secret (
    id BYTEA NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- Sealed.
    token BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT
);

CREATE UNIQUE INDEX wisp_secret_name ON wisp_secret (owner, name);
