-- A form that was sent: by its own id and the path that it was sent to, what it said, and where its answer led. Sent
-- a second time it leads there again and makes nothing. Kept for longer than the form's token is good for (kz_tidy()).
CREATE TABLE form_sent (
    firm    int NOT NULL,
    account uuid NOT NULL,
    form    text NOT NULL CHECK (form <> '' AND octet_length(form) <= 64),
    path    text NOT NULL CHECK (octet_length(path) <= 400),
    fields  bytea NOT NULL CHECK (octet_length(fields) = 32), -- hash
    place   text NOT NULL CHECK (octet_length(place) <= 2000),
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, account, form, path),
    FOREIGN KEY (firm, account) REFERENCES account
);
CREATE INDEX form_sent_at ON form_sent (at);
