-- Where the sequence of a space stands.
CREATE TABLE space_chain (
    space TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The place of the newest advance.
    rev TEXT COLLATE "C" NOT NULL,
    -- How many have written.
    writers BIGINT NOT NULL
);

-- Who has written in a space, and what was heard of it last.
CREATE TABLE space_writer (
    space TEXT COLLATE "C" NOT NULL,
    did TEXT COLLATE "C" NOT NULL,
    repo_rev TEXT COLLATE "C" NOT NULL,
    -- Over the records at that revision.
    hash BYTEA NOT NULL,
    -- The place of that in the sequence.
    space_rev TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (space, did)
);

CREATE UNIQUE INDEX space_writer_sequence ON space_writer (space, space_rev);

-- In whose name an endpoint is called, and for whom the tokens are; none where that is the server and
-- the endpoint's owner.
ALTER TABLE endpoint ADD COLUMN issuer TEXT COLLATE "C";
ALTER TABLE endpoint ADD COLUMN audience TEXT COLLATE "C";

-- `service`: a DID, and after `#` an entry of its document. `url`: empty where that document says
-- where the service is; then it is told as the protocol has it.
ALTER TABLE registration RENAME COLUMN service_did TO service;
-- Whose writes it is told of; empty for everybody's.
ALTER TABLE registration ADD COLUMN author TEXT COLLATE "C" NOT NULL DEFAULT '';
-- Whether the space was spelled with `ats://`.
ALTER TABLE registration ADD COLUMN older_spelling BIGINT NOT NULL DEFAULT 0
    CHECK (older_spelling IN (0, 1));
-- Who reads the space, where that is known: told only as long as they may.
ALTER TABLE registration ADD COLUMN reader TEXT COLLATE "C";
ALTER TABLE registration DROP CONSTRAINT registration_space_service_did_url_key;
ALTER TABLE registration ADD CONSTRAINT registration_place UNIQUE (space, service, url, author);

-- Who holds a credential.
CREATE INDEX issued_credential_id ON issued_credential (space, id);

-- Whether anybody here has something in a space.
CREATE INDEX space_repo_space ON space_repo (space);
