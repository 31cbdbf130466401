-- Accounts whose signing key this server holds.
CREATE TABLE account (
    did TEXT NOT NULL PRIMARY KEY,
    -- The multikey (`z…`) of the public half.
    public TEXT NOT NULL,
    -- Sealed under the master key.
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Spaces whose authority is an account here.
CREATE TABLE space (
    uri TEXT NOT NULL PRIMARY KEY,
    authority TEXT NOT NULL,
    space_type TEXT NOT NULL,
    -- `public`, `members`, or `app ` and which one to ask.
    read_policy TEXT NOT NULL,
    write_policy TEXT NOT NULL,
    -- `open`, or a JSON array of client ids.
    app_access TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX space_authority ON space (authority, uri);

-- Spaces that are gone for good, wherever their authority is.
CREATE TABLE space_tombstone (
    space TEXT NOT NULL PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE space_member (
    space TEXT NOT NULL,
    did TEXT NOT NULL,
    may_read INTEGER NOT NULL CHECK (may_read IN (0, 1)),
    may_write INTEGER NOT NULL CHECK (may_write IN (0, 1)),
    added_at INTEGER NOT NULL,
    PRIMARY KEY (space, did)
) STRICT, WITHOUT ROWID;

-- Credentials that were given out, until they end: what a revocation goes by.
CREATE TABLE issued_credential (
    space TEXT NOT NULL,
    -- The credential's `jti`.
    id TEXT NOT NULL,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (space, holder, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX issued_credential_end ON issued_credential (until);

-- What one author has in one space.
CREATE TABLE space_repo (
    id INTEGER NOT NULL PRIMARY KEY,
    author TEXT NOT NULL,
    space TEXT NOT NULL,
    authority TEXT NOT NULL,
    space_type TEXT NOT NULL,
    rev TEXT NOT NULL,
    -- The state of the set hash.
    state BLOB NOT NULL,
    records INTEGER NOT NULL,
    UNIQUE (author, space)
) STRICT;

CREATE TABLE space_record (
    repo INTEGER NOT NULL,
    collection TEXT NOT NULL,
    rkey TEXT NOT NULL,
    cid TEXT NOT NULL,
    -- DAG-CBOR.
    value BLOB NOT NULL,
    rev TEXT NOT NULL,
    PRIMARY KEY (repo, collection, rkey)
) STRICT;

CREATE TABLE space_operation (
    repo INTEGER NOT NULL,
    rev TEXT NOT NULL,
    number INTEGER NOT NULL,
    collection TEXT NOT NULL,
    rkey TEXT NOT NULL,
    cid TEXT,
    prev TEXT,
    PRIMARY KEY (repo, rev, number)
) STRICT, WITHOUT ROWID;

-- Uploads of accounts. One that no record refers to is removed after a while.
CREATE TABLE blob (
    author TEXT NOT NULL,
    cid TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL,
    uploaded_at INTEGER NOT NULL,
    PRIMARY KEY (author, cid)
) STRICT;

CREATE INDEX blob_age ON blob (uploaded_at);

-- Which records refer to which blobs.
CREATE TABLE space_blob (
    repo INTEGER NOT NULL,
    cid TEXT NOT NULL,
    collection TEXT NOT NULL,
    rkey TEXT NOT NULL,
    rev TEXT NOT NULL,
    PRIMARY KEY (repo, cid, collection, rkey)
) STRICT, WITHOUT ROWID;

CREATE INDEX space_blob_record ON space_blob (repo, collection, rkey);
CREATE INDEX space_blob_cid ON space_blob (cid);
