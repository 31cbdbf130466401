-- What else the same bytes were said to be when they were uploaded again: types, a line for each.
ALTER TABLE blob ADD COLUMN other_types TEXT NOT NULL DEFAULT '';

-- What a record says that the blob is; empty where that was not kept.
ALTER TABLE space_blob ADD COLUMN mime_type TEXT NOT NULL DEFAULT '';
