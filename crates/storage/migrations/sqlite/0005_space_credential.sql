-- Space credentials that their authority has taken back, until they would have ended anyway.
CREATE TABLE revoked_credential (
    space TEXT NOT NULL,
    -- The credential's `jti`.
    id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_credential_end ON revoked_credential (until);

-- The `jti` of the space credential with which a reader registered or last renewed; none where the
-- authority itself did.
ALTER TABLE registration ADD COLUMN credential TEXT;

-- How many used keys are kept: the limit is checked at every use, and counting would read them all.
CREATE TABLE replay_count (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    kept INTEGER NOT NULL
) STRICT;

INSERT INTO replay_count (one, kept) SELECT 1, count(*) FROM replay;

CREATE TRIGGER replay_kept AFTER INSERT ON replay
BEGIN
    UPDATE replay_count SET kept = kept + 1;
END;

CREATE TRIGGER replay_forgotten AFTER DELETE ON replay
BEGIN
    UPDATE replay_count SET kept = kept - 1;
END;
