-- What one maker registers for a place is theirs: two who name the same service or URL have two.
CREATE TABLE registration_18 (
    id BLOB NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    -- A DID, and after `#` an entry of its document.
    service TEXT NOT NULL,
    -- Empty where the service's document says where it is: then it is told as the protocol has it.
    url TEXT NOT NULL,
    -- Whose writes it is told of; empty for everybody's.
    author TEXT NOT NULL,
    -- The account that registered; for a reader whom nobody knows, the authority and after `#` the
    -- reader's credential.
    maker TEXT NOT NULL,
    -- Whether the space was spelled with `ats://`.
    older_spelling INTEGER NOT NULL CHECK (older_spelling IN (0, 1)),
    endpoint BLOB NOT NULL REFERENCES endpoint (id),
    created_by TEXT NOT NULL,
    -- Who reads the space, where that is known: told only as long as they may.
    reader TEXT,
    credential TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (space, service, url, author, maker)
) STRICT, WITHOUT ROWID;

INSERT INTO registration_18
SELECT id, space, service, url, author,
    CASE WHEN reader IS NULL AND credential IS NOT NULL THEN created_by || '#' || credential
         ELSE coalesce(reader, created_by) END,
    older_spelling, endpoint, created_by, reader, credential, created_at, expires_at
FROM registration;

DROP TABLE registration;
ALTER TABLE registration_18 RENAME TO registration;

CREATE INDEX registration_caller ON registration (created_by, expires_at);
CREATE INDEX registration_expiry ON registration (expires_at);
CREATE INDEX registration_endpoint ON registration (endpoint);

-- Whether the credential was given out here: then nothing stands in the way of taking it back.
ALTER TABLE revoked_credential ADD COLUMN issued INTEGER NOT NULL DEFAULT 0
    CHECK (issued IN (0, 1));
CREATE INDEX revoked_credential_foreign ON revoked_credential (space) WHERE issued = 0;

-- An id is given once: whoever still holds the id of a copy that is gone reads nobody else's records.
CREATE TABLE space_copy_18 (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL,
    author TEXT NOT NULL,
    -- The revision that was proved last; none so far.
    rev TEXT,
    -- The state of the set hash.
    state BLOB NOT NULL,
    records INTEGER NOT NULL,
    -- Counts the changes of this row and its records.
    version INTEGER NOT NULL,
    -- What is older is told to nobody.
    quiet_until TEXT,
    -- Why it does not go on: what was not proved, or why the author's host was given up.
    trouble TEXT,
    trouble_at INTEGER,
    -- How often in a row that was so.
    troubles INTEGER NOT NULL DEFAULT 0,
    -- When it is tried again, and what was wanted: an errand's payload.
    retry_at INTEGER,
    wanted TEXT,
    UNIQUE (space, author)
) STRICT;

INSERT INTO space_copy_18 (id, space, author, rev, state, records, version, quiet_until, trouble,
    trouble_at)
SELECT id, space, author, rev, state, records, version, quiet_until, trouble, trouble_at
FROM space_copy;

DROP TABLE space_copy;
ALTER TABLE space_copy_18 RENAME TO space_copy;

CREATE INDEX space_copy_retry ON space_copy (space, retry_at) WHERE retry_at IS NOT NULL;

CREATE INDEX community_proposal_waiting ON community_proposal (updated_at) WHERE status = 'pending';
