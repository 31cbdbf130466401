-- Here many nodes use keys: whether one is kept stays with the database.
SELECT 1;
