-- Of one in a thousand documents its client is still to be told; and forms that were sent in the last days.
INSERT INTO delivery_untold (firm, document, client, account, since)
SELECT firm, id, client, person, at FROM drawn WHERE from_firm AND luck >= 0.999 AND n <> 999991;

INSERT INTO form_sent (firm, account, form, path, fields, place, at)
SELECT 1, nth(4, n % 100), 'form-' || n, '/clients', sha256(n::text::bytea), '/clients/' || n,
       now() - n * interval '30 seconds'
  FROM generate_series(1, 20000) n;
