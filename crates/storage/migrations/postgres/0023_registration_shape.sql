-- How a registration is told stands by itself: one of a draft of the protocol has a URL as a webhook has,
-- and is told as a service is.
ALTER TABLE registration ADD COLUMN shape TEXT COLLATE "C"
    CHECK (shape IN ('webhook', 'protocol', 'draft'));
UPDATE registration SET shape = CASE WHEN url = '' THEN 'protocol' ELSE 'webhook' END;
ALTER TABLE registration ALTER COLUMN shape SET NOT NULL;
ALTER TABLE registration DROP CONSTRAINT registration_place;
ALTER TABLE registration ADD CONSTRAINT registration_place
    UNIQUE (space, service, shape, url, author, maker);
