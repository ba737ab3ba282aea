-- Proof: the events of each firm are covered by a chain of signed seals (mod_kanzlei/model/EVENTS.md).

-- Events that no seal covers yet: a row comes with the event and goes with its seal.
CREATE TABLE event_unsealed (
    firm      int NOT NULL,
    event     uuid NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, event),
    FOREIGN KEY (firm, event) REFERENCES event
);

-- Appended, never changed.
CREATE TABLE event_seal (
    firm      int NOT NULL REFERENCES firm,
    number    bigint NOT NULL CHECK (number > 0),
    at        timestamptz NOT NULL,
    count     int NOT NULL CHECK (count BETWEEN 1 AND 1000),
    previous  bytea NOT NULL CHECK (octet_length(previous) = 32), -- hash of the seal before; the first: zeros
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    key       bytea NOT NULL CHECK (octet_length(key) = 32), -- the public one
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (firm, number)
);

-- Which seal covers an event, at which place, and the hash that the event had. Appended, never changed.
CREATE TABLE event_sealed (
    firm      int NOT NULL,
    event     uuid NOT NULL,
    seal      bigint NOT NULL,
    place     int NOT NULL CHECK (place BETWEEN 1 AND 1000),
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (firm, event),
    CONSTRAINT event_sealed_place UNIQUE (firm, seal, place),
    FOREIGN KEY (firm, event) REFERENCES event,
    FOREIGN KEY (firm, seal) REFERENCES event_seal
);

INSERT INTO event_unsealed (firm, event) SELECT firm, id FROM event;
