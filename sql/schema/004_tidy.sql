-- What is tidied away long after its end is found by this.
CREATE INDEX code_expires ON code (expires);
