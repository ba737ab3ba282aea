-- What is tidied away long after its end is found by this.
CREATE INDEX code_expires ON code (expires);

-- The operator's status asks since when an event waits for its seal.
CREATE INDEX event_unsealed_since ON event_unsealed (since);
