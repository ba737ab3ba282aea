-- What groups, deliveries to many and accesses with an end will stand on: a delivery is one row per document and
-- client, its steps are one row per person, an access may end, staff are assigned by client, group or matter.

-- A document may be provided to clients besides its own, each in a matter of theirs; proof is about that client.
ALTER TABLE delivery DROP CONSTRAINT delivery_firm_document_client_fkey;
ALTER TABLE event DROP CONSTRAINT event_firm_document_client_fkey;
ALTER TABLE delivery DROP CONSTRAINT delivery_pkey, ADD PRIMARY KEY (firm, document, client),
    ADD FOREIGN KEY (firm, document) REFERENCES document;
ALTER TABLE event ADD FOREIGN KEY (firm, document) REFERENCES document;

-- A place in a list names one row: no two deliveries of a document are provided in the same moment.
DROP INDEX delivery_time;
CREATE UNIQUE INDEX delivery_time ON delivery (firm, direction, provided_at DESC, document DESC);

-- Who has done what with a delivery, and when first. Appended, never changed.
CREATE TABLE delivery_step (
    firm      int NOT NULL,
    document  uuid NOT NULL,
    client    uuid NOT NULL,
    account   uuid NOT NULL, -- who did it; notified: whom the mail went to
    step      text NOT NULL CHECK (step IN ('notified', 'opened', 'received', 'confirmed')),
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, document, client, account, step)
);

INSERT INTO delivery_step (firm, document, client, account, step, at)
SELECT v.firm, v.document, v.client, s.account, s.step, s.at
  FROM delivery v, LATERAL (VALUES ('notified', v.notified_to, v.notified_at),
                                   ('opened', v.opened_by, v.opened_at),
                                   ('received', v.received_by, v.received_at),
                                   ('confirmed', v.confirmed_by, v.confirmed_at)) s (step, account, at)
 WHERE s.at IS NOT NULL AND s.account IS NOT NULL;

-- The delivery had room for the first one who was told; of the others the events know.
INSERT INTO delivery_step (firm, document, client, account, step, at)
SELECT e.firm, e.document, e.client, e.subject, 'notified', min(e.at)
  FROM event e
  JOIN delivery v ON v.firm = e.firm AND v.document = e.document AND v.client = e.client
  JOIN account a ON a.firm = e.firm AND a.id = e.subject
 WHERE e.kind = 'notified'
 GROUP BY e.firm, e.document, e.client, e.subject
ON CONFLICT DO NOTHING;

ALTER TABLE delivery_step
    ADD FOREIGN KEY (firm, document, client) REFERENCES delivery,
    ADD FOREIGN KEY (firm, account) REFERENCES account;

-- The first time of each step, and who that was, stand in the delivery too, and how far the document's own client
-- has come in the document: lists read one row each, and find what is open by an index. They are written once,
-- by this trigger alone; the portal's role can't.
DROP TRIGGER delivery_steps_new ON delivery;
DROP TRIGGER delivery_steps ON delivery;
DROP FUNCTION kz_delivery_steps();

CREATE FUNCTION kz_delivery_step_first() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.step = 'notified' THEN
        UPDATE delivery v SET notified_at = NEW.at, notified_to = NEW.account
         WHERE v.firm = NEW.firm AND v.document = NEW.document AND v.client = NEW.client
           AND v.notified_at IS NULL;
    ELSIF NEW.step = 'opened' THEN
        UPDATE delivery v SET opened_at = NEW.at, opened_by = NEW.account
         WHERE v.firm = NEW.firm AND v.document = NEW.document AND v.client = NEW.client
           AND v.opened_at IS NULL;
    ELSIF NEW.step = 'received' THEN
        UPDATE delivery v SET received_at = NEW.at, received_by = NEW.account
         WHERE v.firm = NEW.firm AND v.document = NEW.document AND v.client = NEW.client
           AND v.received_at IS NULL;
    ELSIF NEW.step = 'confirmed' THEN
        UPDATE delivery v SET confirmed_at = NEW.at, confirmed_by = NEW.account
         WHERE v.firm = NEW.firm AND v.document = NEW.document AND v.client = NEW.client
           AND v.confirmed_at IS NULL;
    END IF;
    IF FOUND AND NEW.step <> 'notified' THEN
        UPDATE document d
           SET opened_at = v.opened_at, received_at = v.received_at, confirmed_at = v.confirmed_at
          FROM delivery v
         WHERE v.firm = NEW.firm AND v.document = NEW.document AND v.client = NEW.client
           AND d.firm = v.firm AND d.id = v.document AND d.client = v.client;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER delivery_step_first AFTER INSERT ON delivery_step FOR EACH ROW
    EXECUTE FUNCTION kz_delivery_step_first();

-- After its end an access sees nothing of the client any more; none: it has no end.
ALTER TABLE account_client ADD COLUMN ends_at timestamptz;

-- Staff may be assigned to one matter alone.
ALTER TABLE assignment ADD COLUMN matter uuid,
    DROP CONSTRAINT assignment_check,
    ADD CONSTRAINT assignment_one CHECK (num_nonnulls(client, "group", matter) = 1),
    ADD CONSTRAINT assignment_matter_taken UNIQUE (firm, staff, matter),
    ADD FOREIGN KEY (firm, matter) REFERENCES matter;
CREATE INDEX assignment_matter ON assignment (firm, matter) WHERE matter IS NOT NULL;
