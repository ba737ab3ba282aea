-- The whole of a firm's data. The firm is the first column of every primary and foreign key, so that
-- no row can point across firms. Times are timestamptz, ids UUIDv7 made by the portal.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin; -- the firm in front of the words that are looked for

CREATE TABLE installation (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    id        uuid NOT NULL,
    created   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE firm (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug      text NOT NULL CONSTRAINT firm_slug_taken UNIQUE
              CONSTRAINT firm_slug CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$'),
    name      text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
    email     text NOT NULL DEFAULT '' CHECK (octet_length(email) <= 254),
    language  text NOT NULL DEFAULT 'de' CHECK (language IN ('de', 'en')),
    key       bytea NOT NULL CHECK (octet_length(key) = 76), -- wrapped by the master key
    created   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE office (
    firm      int NOT NULL REFERENCES firm,
    id        uuid NOT NULL,
    name      text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
    street    text NOT NULL DEFAULT '' CHECK (octet_length(street) <= 200),
    postcode  text NOT NULL DEFAULT '' CHECK (octet_length(postcode) <= 20),
    city      text NOT NULL DEFAULT '' CHECK (octet_length(city) <= 100),
    PRIMARY KEY (firm, id)
);

-- Whoever signs in: people of the firm ('staff') and of its clients ('client').
CREATE TABLE account (
    firm         int NOT NULL REFERENCES firm,
    id           uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('staff', 'client')),
    user_name    text NOT NULL CHECK (user_name <> '' AND octet_length(user_name) <= 100),
    user_fold    text NOT NULL GENERATED ALWAYS AS (lower(user_name)) STORED,
    name         text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
    email        text NOT NULL DEFAULT '' CHECK (octet_length(email) <= 254),
    language     text NOT NULL DEFAULT 'de' CHECK (language IN ('de', 'en')),
    password     text CHECK (password LIKE '$argon2id$%'),
    wrong        smallint NOT NULL DEFAULT 0 CHECK (wrong >= 0),
    wrong_marks  bytea[] NOT NULL DEFAULT '{}', -- keyed 32-bit marks: the same wrong one counts once
    wrong_at     timestamptz,
    locked_at    timestamptz,
    created      timestamptz NOT NULL DEFAULT now(),
    signed_in_at timestamptz,
    PRIMARY KEY (firm, id),
    UNIQUE (firm, id, kind),
    CONSTRAINT account_user_taken UNIQUE (firm, user_fold),
    CHECK (locked_at IS NULL OR wrong_at IS NOT NULL)
);
CREATE INDEX account_locked ON account (firm, locked_at DESC, id) WHERE locked_at IS NOT NULL;
CREATE INDEX account_staff ON account (firm, kind, name, id);

CREATE TABLE staff (
    firm    int NOT NULL,
    id      uuid NOT NULL,
    kind    text NOT NULL DEFAULT 'staff' CHECK (kind = 'staff'),
    office  uuid,
    PRIMARY KEY (firm, id),
    FOREIGN KEY (firm, id, kind) REFERENCES account (firm, id, kind),
    FOREIGN KEY (firm, office) REFERENCES office
);

-- admin: staff and rights; all: sees every client; clients: makes clients, matters, accesses;
-- unlock: unlocks accesses; release: decides about what the scanner kept back.
CREATE TABLE "right" (
    firm   int NOT NULL,
    staff  uuid NOT NULL,
    name   text NOT NULL CHECK (name IN ('admin', 'all', 'clients', 'unlock', 'release')),
    PRIMARY KEY (firm, staff, name),
    FOREIGN KEY (firm, staff) REFERENCES staff
);

CREATE TABLE client (
    firm        int NOT NULL REFERENCES firm,
    id          uuid NOT NULL,
    number      text NOT NULL CHECK (number <> '' AND octet_length(number) <= 40),
    kind        text NOT NULL CHECK (kind IN ('person', 'company')),
    salutation  text NOT NULL DEFAULT '' CHECK (octet_length(salutation) <= 40),
    first_name  text NOT NULL DEFAULT '' CHECK (octet_length(first_name) <= 100),
    name        text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
    display     text NOT NULL GENERATED ALWAYS AS
                (CASE WHEN first_name = '' THEN name ELSE first_name || ' ' || name END) STORED,
    sort        text NOT NULL GENERATED ALWAYS AS (lower(name || ' ' || first_name)) STORED,
    search      text NOT NULL GENERATED ALWAYS AS
                (lower(number || ' ' || first_name || ' ' || name || ' ' || city)) STORED,
    street      text NOT NULL DEFAULT '' CHECK (octet_length(street) <= 200),
    postcode    text NOT NULL DEFAULT '' CHECK (octet_length(postcode) <= 20),
    city        text NOT NULL DEFAULT '' CHECK (octet_length(city) <= 100),
    country     text NOT NULL DEFAULT '' CHECK (octet_length(country) <= 100),
    email       text NOT NULL DEFAULT '' CHECK (octet_length(email) <= 254),
    language    text NOT NULL DEFAULT 'de' CHECK (language IN ('de', 'en')),
    created     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, id),
    CONSTRAINT client_number_taken UNIQUE (firm, number),
    CONSTRAINT client_person_name CHECK (kind = 'company' OR first_name <> '')
);
CREATE INDEX client_sort ON client (firm, sort, id);
CREATE INDEX client_search ON client USING gin (firm, search gin_trgm_ops);

CREATE TABLE "group" (
    firm  int NOT NULL REFERENCES firm,
    id    uuid NOT NULL,
    name  text NOT NULL CHECK (name <> '' AND octet_length(name) <= 200),
    PRIMARY KEY (firm, id),
    CONSTRAINT group_name_taken UNIQUE (firm, name)
);

CREATE TABLE group_client (
    firm     int NOT NULL,
    "group"  uuid NOT NULL,
    client   uuid NOT NULL,
    PRIMARY KEY (firm, "group", client),
    FOREIGN KEY (firm, "group") REFERENCES "group",
    FOREIGN KEY (firm, client) REFERENCES client
);
CREATE INDEX group_client_client ON group_client (firm, client, "group");

-- An account of a client's acts for one or several clients.
CREATE TABLE account_client (
    firm     int NOT NULL,
    account  uuid NOT NULL,
    kind     text NOT NULL DEFAULT 'client' CHECK (kind = 'client'),
    client   uuid NOT NULL,
    PRIMARY KEY (firm, account, client),
    FOREIGN KEY (firm, account, kind) REFERENCES account (firm, id, kind),
    FOREIGN KEY (firm, client) REFERENCES client
);
CREATE INDEX account_client_client ON account_client (firm, client, account);

-- Who of the staff works for which client, one by one or by group.
CREATE TABLE assignment (
    firm     int NOT NULL,
    id       uuid NOT NULL,
    staff    uuid NOT NULL,
    client   uuid,
    "group"  uuid,
    PRIMARY KEY (firm, id),
    FOREIGN KEY (firm, staff) REFERENCES staff,
    FOREIGN KEY (firm, client) REFERENCES client,
    FOREIGN KEY (firm, "group") REFERENCES "group",
    CHECK ((client IS NULL) <> ("group" IS NULL)),
    CONSTRAINT assignment_client_taken UNIQUE (firm, staff, client),
    CONSTRAINT assignment_group_taken UNIQUE (firm, staff, "group")
);
CREATE INDEX assignment_client ON assignment (firm, client) WHERE client IS NOT NULL;
CREATE INDEX assignment_group ON assignment (firm, "group") WHERE "group" IS NOT NULL;

CREATE TABLE matter (
    firm     int NOT NULL,
    id       uuid NOT NULL,
    client   uuid NOT NULL,
    number   text NOT NULL DEFAULT '' CHECK (octet_length(number) <= 40),
    title    text NOT NULL CHECK (title <> '' AND octet_length(title) <= 200),
    created  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, id),
    UNIQUE (firm, id, client),
    FOREIGN KEY (firm, client) REFERENCES client
);
CREATE INDEX matter_client ON matter (firm, client, created DESC, id DESC);
CREATE INDEX matter_created ON matter (firm, created DESC, id DESC);

-- What the write quorum of stores holds. The sealed bytes are under "object" in the stores.
CREATE TABLE document (
    firm       int NOT NULL,
    id         uuid NOT NULL,
    client     uuid NOT NULL,
    matter     uuid NOT NULL,
    direction  text NOT NULL CHECK (direction IN ('from_client', 'from_firm')),
    name       text NOT NULL CHECK (name <> '' AND octet_length(name) <= 255),
    type       text NOT NULL CHECK (type <> '' AND octet_length(type) <= 127),
    size       bigint NOT NULL CHECK (size >= 0),
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    key        bytea NOT NULL CHECK (octet_length(key) = 76), -- wrapped by the firm's
    object     text NOT NULL CHECK (object <> ''),
    by         uuid NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    state      text NOT NULL CHECK (state IN ('available', 'unscannable', 'discarded')),
    reason     text NOT NULL DEFAULT '', -- why unscannable
    decided_by uuid,                     -- who released or discarded it
    decided_at timestamptz,
    decision   text NOT NULL DEFAULT '' CHECK (octet_length(decision) <= 1000),
    PRIMARY KEY (firm, id),
    UNIQUE (firm, id, client),
    CONSTRAINT document_object UNIQUE (object),
    FOREIGN KEY (firm, matter, client) REFERENCES matter (firm, id, client),
    FOREIGN KEY (firm, by) REFERENCES account,
    FOREIGN KEY (firm, decided_by) REFERENCES staff,
    CHECK (state <> 'unscannable' OR (reason <> '' AND decided_at IS NULL)),
    CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    CHECK (state <> 'discarded' OR decided_at IS NOT NULL),
    CHECK (decided_at IS NULL OR decision <> '')
);
CREATE INDEX document_matter ON document (firm, matter, at DESC, id DESC);
CREATE INDEX document_client ON document (firm, client, at DESC, id DESC);
CREATE INDEX document_at ON document (firm, at DESC, id DESC);
CREATE INDEX document_held ON document (firm, at DESC, id DESC) WHERE state = 'unscannable';
CREATE INDEX document_held_client ON document (firm, client, at DESC, id DESC)
    WHERE state = 'unscannable';
CREATE INDEX document_name ON document USING gin (lower(name) gin_trgm_ops);

-- Every document is provided by one side to the other; the row keeps the first time of each step.
CREATE TABLE delivery (
    firm          int NOT NULL,
    document      uuid NOT NULL,
    client        uuid NOT NULL,
    matter        uuid NOT NULL,
    direction     text NOT NULL CHECK (direction IN ('from_client', 'from_firm')),
    provided_at   timestamptz NOT NULL,
    provided_by   uuid NOT NULL,
    notified_at   timestamptz, -- the mail server accepted the mail
    notified_to   uuid,
    opened_at     timestamptz,
    opened_by     uuid,
    received_at   timestamptz, -- the last byte of a whole download was sent
    received_by   uuid,
    confirmed_at  timestamptz,
    confirmed_by  uuid,
    PRIMARY KEY (firm, document),
    FOREIGN KEY (firm, document, client) REFERENCES document (firm, id, client),
    FOREIGN KEY (firm, matter, client) REFERENCES matter (firm, id, client),
    FOREIGN KEY (firm, provided_by) REFERENCES account,
    FOREIGN KEY (firm, notified_to) REFERENCES account,
    FOREIGN KEY (firm, opened_by) REFERENCES account,
    FOREIGN KEY (firm, received_by) REFERENCES account,
    FOREIGN KEY (firm, confirmed_by) REFERENCES account,
    CHECK ((opened_at IS NULL) = (opened_by IS NULL)),
    CHECK ((received_at IS NULL) = (received_by IS NULL)),
    CHECK ((confirmed_at IS NULL) = (confirmed_by IS NULL)),
    CHECK (received_at IS NULL OR opened_at IS NOT NULL)
);
CREATE INDEX delivery_time ON delivery (firm, direction, provided_at DESC, document DESC);
CREATE INDEX delivery_client ON delivery (firm, client, direction, provided_at DESC, document DESC);
CREATE INDEX delivery_matter ON delivery (firm, matter, direction, provided_at DESC, document DESC);
CREATE INDEX delivery_unopened ON delivery (firm, direction, provided_at, document)
    WHERE opened_at IS NULL;
CREATE INDEX delivery_unopened_client ON delivery (firm, client, direction, provided_at, document)
    WHERE opened_at IS NULL;

CREATE INDEX delivery_unnotified ON delivery (firm, client, provided_at)
    WHERE notified_at IS NULL AND direction = 'from_firm';

-- Appended, never changed.
CREATE TABLE event (
    firm      int NOT NULL REFERENCES firm,
    id        uuid NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind      text NOT NULL CHECK (kind IN (
                  'client_created', 'client_changed', 'matter_created', 'access_created', 'invited', 'letter_printed',
                  'password_set', 'signed_in', 'signed_out', 'locked', 'unlocked', 'wrong_password',
                  'provided', 'notified', 'opened', 'received', 'confirmed', 'held', 'released',
                  'discarded', 'infected', 'session_ended', 'rights_changed', 'assigned',
                  'unassigned', 'staff_created')),
    account   uuid, -- who; NULL: the portal itself
    client    uuid,
    document  uuid,
    subject   uuid, -- the account or matter it is about
    detail    text NOT NULL DEFAULT '' CHECK (octet_length(detail) <= 1000),
    PRIMARY KEY (firm, id),
    FOREIGN KEY (firm, account) REFERENCES account,
    FOREIGN KEY (firm, client) REFERENCES client,
    FOREIGN KEY (firm, document, client) REFERENCES document (firm, id, client)
);
CREATE INDEX event_client ON event (firm, client, at DESC, id DESC) WHERE client IS NOT NULL;
CREATE INDEX event_document ON event (firm, document, at, id) WHERE document IS NOT NULL;

CREATE TABLE session (
    firm     int NOT NULL,
    id       uuid NOT NULL,
    account  uuid NOT NULL,
    token    bytea NOT NULL CONSTRAINT session_token UNIQUE CHECK (octet_length(token) = 32), -- hash
    created  timestamptz NOT NULL DEFAULT now(),
    seen     timestamptz NOT NULL DEFAULT now(),
    idle     interval NOT NULL,
    ends     timestamptz NOT NULL,
    agent    text NOT NULL DEFAULT '' CHECK (octet_length(agent) <= 200),
    PRIMARY KEY (firm, id),
    FOREIGN KEY (firm, account) REFERENCES account
);
CREATE INDEX session_account ON session (firm, account, seen DESC, id);
CREATE INDEX session_ends ON session (ends);

-- One-time codes of invitations and of mails for a new password.
CREATE TABLE code (
    firm     int NOT NULL,
    id       uuid NOT NULL,
    account  uuid NOT NULL,
    purpose  text NOT NULL CHECK (purpose IN ('invitation', 'password')),
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32),
    created  timestamptz NOT NULL DEFAULT now(),
    expires  timestamptz NOT NULL,
    used_at  timestamptz,
    PRIMARY KEY (firm, id),
    CONSTRAINT code_hash UNIQUE (firm, hash),
    FOREIGN KEY (firm, account) REFERENCES account
);
CREATE INDEX code_account ON code (firm, account, created DESC);

-- A document on its way; the sealed spool file has the upload's id as its name. The document that
-- comes of it gets the same id.
CREATE TABLE upload (
    firm      int NOT NULL,
    id        uuid NOT NULL,
    account   uuid NOT NULL,
    client    uuid NOT NULL,
    matter    uuid NOT NULL,
    name      text NOT NULL CHECK (name <> '' AND octet_length(name) <= 255),
    type      text NOT NULL CHECK (type <> '' AND octet_length(type) <= 127),
    size      bigint NOT NULL CHECK (size >= 0), -- as announced; a form's is known at its end
    key       bytea NOT NULL CHECK (octet_length(key) = 76),
    state     text NOT NULL DEFAULT 'receiving' CHECK (state IN ('receiving', 'scanning', 'storing',
                  'available', 'infected', 'unscannable', 'failed')),
    what      text NOT NULL DEFAULT '', -- signature, reason
    sha256    bytea CHECK (octet_length(sha256) = 32),
    created   timestamptz NOT NULL DEFAULT now(),
    touched   timestamptz NOT NULL DEFAULT now(),
    worker    uuid,        -- who is at work on it, until lease
    lease     timestamptz,
    tries     int NOT NULL DEFAULT 0,
    PRIMARY KEY (firm, id),
    FOREIGN KEY (firm, account) REFERENCES account,
    FOREIGN KEY (firm, matter, client) REFERENCES matter (firm, id, client),
    CHECK ((worker IS NULL) = (lease IS NULL)),
    CHECK (state <> 'storing' OR sha256 IS NOT NULL)
);
CREATE INDEX upload_open ON upload (touched) WHERE state IN ('receiving', 'scanning', 'storing');
CREATE INDEX upload_done ON upload (touched)
    WHERE state IN ('available', 'infected', 'unscannable', 'failed');
CREATE INDEX upload_id ON upload (id);
CREATE INDEX upload_account ON upload (firm, account, created DESC);

-- Which store holds which document; "missing" and "damaged" are what the repair job reads.
CREATE TABLE object_copy (
    firm      int NOT NULL,
    document  uuid NOT NULL,
    store     text NOT NULL CHECK (store <> ''),
    state     text NOT NULL CHECK (state IN ('held', 'missing', 'damaged')),
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, document, store),
    FOREIGN KEY (firm, document) REFERENCES document
);
CREATE INDEX object_copy_open ON object_copy (state, at, firm, document) WHERE state <> 'held';

CREATE TABLE job (
    firm    int NOT NULL REFERENCES firm,
    id      uuid NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('mail', 'provided', 'remove_object')),
    data    jsonb NOT NULL,
    state   text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    due     timestamptz NOT NULL DEFAULT now(),
    tries   int NOT NULL DEFAULT 0,
    error   text NOT NULL DEFAULT '' CHECK (octet_length(error) <= 1000),
    worker  uuid,
    lease   timestamptz,
    created timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, id)
);
CREATE INDEX job_due ON job (due) WHERE state = 'waiting';
CREATE INDEX job_waiting ON job (firm, kind, data) WHERE state = 'waiting';
CREATE INDEX job_done ON job (created) WHERE state = 'done';
CREATE INDEX job_failed ON job (firm, created DESC) WHERE state = 'failed';
