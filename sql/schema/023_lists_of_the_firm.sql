-- A list of the whole firm has its index; a list of one matter or client must not be read by that one, however few the
-- statistics make it look: where one matter has nearly all documents, each other one looks as if the next
-- document were its own, and a page that shows 200 of them reads all documents 200 times. So these indexes have a
-- condition that every row meets (no id is zero), and that only statements about the whole firm have. README.md.
DROP INDEX document_at, document_held, delivery_time, delivery_unopened, delivery_confirmed;
CREATE INDEX document_at ON document (firm, at DESC, id DESC) WHERE id <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX document_held ON document (firm, at DESC, id DESC)
    WHERE state = 'unscannable' AND id <> '00000000-0000-0000-0000-000000000000';
CREATE UNIQUE INDEX delivery_time ON delivery (firm, direction, provided_at DESC, document DESC)
    WHERE document <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX delivery_unopened ON delivery (firm, direction, provided_at, document) INCLUDE (client)
    WHERE opened_at IS NULL AND document <> '00000000-0000-0000-0000-000000000000';
CREATE INDEX delivery_confirmed ON delivery (firm, direction, provided_at DESC, document DESC)
    WHERE confirmed_at IS NOT NULL AND document <> '00000000-0000-0000-0000-000000000000';
-- Then every row must meet it, or it would be in no list.
ALTER TABLE document ADD CHECK (id <> '00000000-0000-0000-0000-000000000000');
ALTER TABLE delivery ADD CHECK (document <> '00000000-0000-0000-0000-000000000000');
