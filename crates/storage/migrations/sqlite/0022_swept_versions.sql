-- The version up to which events of an aggregate have gone: its next event has a higher one, also when none
-- is left. One row for an aggregate, like its state.
CREATE TABLE swept_version (
    owner TEXT NOT NULL REFERENCES projection_tenant (owner),
    aggregate TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (owner, aggregate)
) STRICT, WITHOUT ROWID;
