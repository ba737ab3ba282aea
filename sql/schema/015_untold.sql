-- Who of a client's people is still to be told of a delivery by mail: a row for each person comes with the delivery, and
-- goes when the mail server has taken the mail for that person, or there is nothing to tell any more.
CREATE TABLE delivery_untold (
    firm      int NOT NULL,
    document  uuid NOT NULL,
    client    uuid NOT NULL,
    account   uuid NOT NULL,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (firm, account, client, document),
    FOREIGN KEY (firm, document, client) REFERENCES delivery,
    FOREIGN KEY (firm, account) REFERENCES account
);

INSERT INTO delivery_untold (firm, document, client, account)
SELECT DISTINCT v.firm, v.document, v.client, j.about
  FROM job j
  JOIN delivery v ON v.firm = j.firm AND v.client = (j.data ->> 'client')::uuid AND v.direction = 'from_firm'
                 AND v.opened_at IS NULL AND (v.notified_at IS NULL OR v.provided_at >= j.created)
 WHERE j.kind = 'provided' AND j.state = 'waiting'
   AND NOT EXISTS (SELECT FROM delivery_step s
                    WHERE s.firm = v.firm AND s.document = v.document AND s.client = v.client
                      AND s.account = j.about AND s.step = 'notified');

-- One job tells a person of all that waits. Whatever is provided meanwhile counts WAKE up, and so meets the job's end in
-- one row: the job goes on, or a new one begins.
ALTER TABLE job ADD COLUMN wake int NOT NULL DEFAULT 0;
DELETE FROM job j
 WHERE j.kind = 'provided' AND j.state = 'waiting'
   AND EXISTS (SELECT FROM job o
                WHERE o.firm = j.firm AND o.kind = j.kind AND o.state = j.state AND o.data = j.data AND o.id < j.id);
CREATE UNIQUE INDEX job_provided ON job (firm, about, (data ->> 'client'))
    WHERE kind = 'provided' AND state = 'waiting';
