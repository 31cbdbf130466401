-- Where the sequence of a space stands.
CREATE TABLE space_chain (
    space TEXT NOT NULL PRIMARY KEY,
    -- The place of the newest advance.
    rev TEXT NOT NULL,
    -- How many have written.
    writers INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who has written in a space, and what was heard of it last.
CREATE TABLE space_writer (
    space TEXT NOT NULL,
    did TEXT NOT NULL,
    repo_rev TEXT NOT NULL,
    -- Over the records at that revision.
    hash BLOB NOT NULL,
    -- The place of that in the sequence.
    space_rev TEXT NOT NULL,
    PRIMARY KEY (space, did)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX space_writer_sequence ON space_writer (space, space_rev);

-- In whose name an endpoint is called, and for whom the tokens are; none where that is the server and
-- the endpoint's owner.
ALTER TABLE endpoint ADD COLUMN issuer TEXT;
ALTER TABLE endpoint ADD COLUMN audience TEXT;

CREATE TABLE registration_15 (
    id BLOB NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    -- A DID, and after `#` an entry of its document.
    service TEXT NOT NULL,
    -- Empty where the service's document says where it is: then it is told as the protocol has it.
    url TEXT NOT NULL,
    -- Whose writes it is told of; empty for everybody's.
    author TEXT NOT NULL,
    -- Whether the space was spelled with `ats://`.
    older_spelling INTEGER NOT NULL CHECK (older_spelling IN (0, 1)),
    endpoint BLOB NOT NULL REFERENCES endpoint (id),
    created_by TEXT NOT NULL,
    -- Who reads the space, where that is known: told only as long as they may.
    reader TEXT,
    credential TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (space, service, url, author)
) STRICT, WITHOUT ROWID;

INSERT INTO registration_15
SELECT id, space, service_did, url, '', 0, endpoint, created_by, NULL, credential, created_at,
    expires_at
FROM registration;

DROP TABLE registration;
ALTER TABLE registration_15 RENAME TO registration;

CREATE INDEX registration_caller ON registration (created_by, expires_at);
CREATE INDEX registration_expiry ON registration (expires_at);
CREATE INDEX registration_endpoint ON registration (endpoint);

-- Who holds a credential.
CREATE INDEX issued_credential_id ON issued_credential (space, id);

-- Whether anybody here has something in a space.
CREATE INDEX space_repo_space ON space_repo (space);
