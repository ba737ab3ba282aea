-- A document is received when the reader's side has acknowledged its last byte. Where that can't be known, because a proxy
-- acknowledges in its place, it is delivered: all of it was sent, to this account.
ALTER TABLE delivery_step DROP CONSTRAINT delivery_step_step_check, ADD CONSTRAINT delivery_step_step_check
    CHECK (step IN ('notified', 'opened', 'delivered', 'received', 'confirmed'));

ALTER TABLE event DROP CONSTRAINT event_kind_check, ADD CONSTRAINT event_kind_check CHECK (kind IN (
    'client_created', 'client_changed', 'matter_created', 'access_created', 'invited', 'letter_printed',
    'password_set', 'signed_in', 'signed_out', 'locked', 'unlocked', 'wrong_password', 'provided', 'notified',
    'opened', 'delivered', 'received', 'confirmed', 'held', 'released', 'discarded', 'infected', 'session_ended',
    'rights_changed', 'assigned', 'unassigned', 'staff_created', 'renamed', 'moved'));

-- Of whom parts of a document have been sent to, or acknowledged by, until these are all of it.
CREATE TABLE delivery_part (
    firm      int NOT NULL,
    document  uuid NOT NULL,
    account   uuid NOT NULL,
    step      text NOT NULL CHECK (step IN ('delivered', 'received')),
    parts     int8multirange NOT NULL CHECK (NOT isempty(parts)), -- bytes
    PRIMARY KEY (firm, document, account, step),
    FOREIGN KEY (firm, document) REFERENCES document,
    FOREIGN KEY (firm, account) REFERENCES account
);
