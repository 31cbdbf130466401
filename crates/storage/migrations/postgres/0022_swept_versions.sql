-- The version up to which events of an aggregate have gone: its next event has a higher one, also when none
-- is left. One row for an aggregate, like its state.
CREATE TABLE swept_version (
    owner TEXT COLLATE "C" NOT NULL REFERENCES projection_tenant (owner),
    aggregate TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (owner, aggregate)
);
