-- What waits at an endpoint by when it expires: what is past that is found however much else waits.
CREATE INDEX delivery_deadline ON delivery (endpoint, deadline) WHERE state = 'pending';
