-- The scanner kept back one in 2,000, which is undecided; one in 2,000 was discarded. 20 of 100 have
-- "rechnung" in the name, 50 in a million "zypresse".
INSERT INTO document (firm, id, client, matter, direction, name, type, size, sha256, key, object, by, at,
                      state, reason, decided_by, decided_at, decision, opened_at, received_at, confirmed_at)
SELECT firm, id, client, matter, direction,
       CASE WHEN word < 0.2 THEN 'Rechnung' WHEN word < 0.4 THEN 'Kontoauszug'
            WHEN word < 0.6 THEN 'Bescheid' WHEN word < 0.99995 THEN 'Scan'
            ELSE 'Quittung Zypressenhof' END
           || ' ' || to_char(at, 'YYYY-MM') || ' ' || n % 997
           || CASE n % 5 WHEN 0 THEN '.jpg' ELSE '.pdf' END,
       CASE n % 5 WHEN 0 THEN 'image/jpeg' ELSE 'application/pdf' END, 100000 + n % 900000,
       decode(repeat('00', 32), 'hex'), decode(repeat('00', 76), 'hex'), firm || '/2026/' || id, giver, at,
       CASE WHEN luck < 0.0005 THEN 'unscannable' WHEN luck < 0.001 THEN 'discarded'
            ELSE 'available' END,
       CASE WHEN luck < 0.001 THEN 'encrypted' ELSE '' END,
       CASE WHEN luck >= 0.0005 AND luck < 0.001 THEN lead END,
       CASE WHEN luck >= 0.0005 AND luck < 0.001 THEN at END,
       CASE WHEN luck >= 0.0005 AND luck < 0.001 THEN 'no' ELSE '' END,
       CASE WHEN opened AND n <> 999991 THEN at + interval '1 day' * luck END, -- the same as in 3_deliveries.sql
       CASE WHEN opened AND steps < 0.6 AND n <> 999991 THEN at + interval '1 day' * luck END,
       CASE WHEN opened AND from_firm AND steps < 0.002 AND n <> 999991 THEN at + interval '2 days' END
  FROM drawn;
