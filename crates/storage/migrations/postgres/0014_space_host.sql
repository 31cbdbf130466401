-- Accounts whose signing key this server holds.
CREATE TABLE account (
    did TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The multikey (`z…`) of the public half.
    public TEXT COLLATE "C" NOT NULL,
    -- Sealed under the master key.
    secret BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- Spaces whose authority is an account here.
CREATE TABLE space (
    uri TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    authority TEXT COLLATE "C" NOT NULL,
    space_type TEXT COLLATE "C" NOT NULL,
    -- `public`, `members`, or `app ` and which one to ask.
    read_policy TEXT COLLATE "C" NOT NULL,
    write_policy TEXT COLLATE "C" NOT NULL,
    -- `open`, or a JSON array of client ids.
    app_access TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE INDEX space_authority ON space (authority, uri);

-- Spaces that are gone for good, wherever their authority is.
CREATE TABLE space_tombstone (
    space TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    deleted_at BIGINT NOT NULL
);

CREATE TABLE space_member (
    space TEXT COLLATE "C" NOT NULL,
    did TEXT COLLATE "C" NOT NULL,
    may_read BIGINT NOT NULL CHECK (may_read IN (0, 1)),
    may_write BIGINT NOT NULL CHECK (may_write IN (0, 1)),
    added_at BIGINT NOT NULL,
    PRIMARY KEY (space, did)
);

-- Credentials that were given out, until they end: what a revocation goes by.
CREATE TABLE issued_credential (
    space TEXT COLLATE "C" NOT NULL,
    -- The credential's `jti`.
    id TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (space, holder, id)
);

CREATE INDEX issued_credential_end ON issued_credential (until);

-- What one author has in one space.
CREATE TABLE space_repo (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author TEXT COLLATE "C" NOT NULL,
    space TEXT COLLATE "C" NOT NULL,
    authority TEXT COLLATE "C" NOT NULL,
    space_type TEXT COLLATE "C" NOT NULL,
    rev TEXT COLLATE "C" NOT NULL,
    -- The state of the set hash.
    state BYTEA NOT NULL,
    records BIGINT NOT NULL,
    UNIQUE (author, space)
);

CREATE TABLE space_record (
    repo BIGINT NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    rkey TEXT COLLATE "C" NOT NULL,
    cid TEXT COLLATE "C" NOT NULL,
    -- DAG-CBOR.
    value BYTEA NOT NULL,
    rev TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repo, collection, rkey)
);

CREATE TABLE space_operation (
    repo BIGINT NOT NULL,
    rev TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    rkey TEXT COLLATE "C" NOT NULL,
    cid TEXT COLLATE "C",
    prev TEXT COLLATE "C",
    PRIMARY KEY (repo, rev, number)
);

-- Uploads of accounts. One that no record refers to is removed after a while.
CREATE TABLE blob (
    author TEXT COLLATE "C" NOT NULL,
    cid TEXT COLLATE "C" NOT NULL,
    mime_type TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    data BYTEA NOT NULL,
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (author, cid)
);

CREATE INDEX blob_age ON blob (uploaded_at);

-- Which records refer to which blobs.
CREATE TABLE space_blob (
    repo BIGINT NOT NULL,
    cid TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    rkey TEXT COLLATE "C" NOT NULL,
    rev TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (repo, cid, collection, rkey)
);

CREATE INDEX space_blob_record ON space_blob (repo, collection, rkey);
CREATE INDEX space_blob_cid ON space_blob (cid);
