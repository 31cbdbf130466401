-- How a registration is told stands by itself: one of a draft of the protocol has a URL as a webhook has,
-- and is told as a service is.
CREATE TABLE registration_23 (
    id BLOB NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    -- A DID, and after `#` an entry of its document.
    service TEXT NOT NULL,
    shape TEXT NOT NULL CHECK (shape IN ('webhook', 'protocol', 'draft')),
    -- Empty where the service's document says where it is.
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
    UNIQUE (space, service, shape, url, author, maker)
) STRICT, WITHOUT ROWID;

INSERT INTO registration_23
SELECT id, space, service, CASE WHEN url = '' THEN 'protocol' ELSE 'webhook' END, url, author, maker,
    older_spelling, endpoint, created_by, reader, credential, created_at, expires_at
FROM registration;

DROP TABLE registration;
ALTER TABLE registration_23 RENAME TO registration;

CREATE INDEX registration_caller ON registration (created_by, expires_at);
CREATE INDEX registration_expiry ON registration (expires_at);
CREATE INDEX registration_endpoint ON registration (endpoint);
