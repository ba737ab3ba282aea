-- Few deliveries are confirmed. Number 999,991 has no delivery yet.
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by, notified_at,
                      notified_to, opened_at, opened_by, received_at, received_by, confirmed_at,
                      confirmed_by)
SELECT firm, id, client, matter, direction, at, giver,
       CASE WHEN from_firm AND luck < 0.999 THEN at + interval '1 minute' END,
       CASE WHEN from_firm AND luck < 0.999 THEN person END,
       CASE WHEN opened THEN at + interval '1 day' * luck END, CASE WHEN opened THEN taker END,
       CASE WHEN opened AND steps < 0.6 THEN at + interval '1 day' * luck END,
       CASE WHEN opened AND steps < 0.6 THEN taker END,
       CASE WHEN opened AND from_firm AND steps < 0.002 THEN at + interval '2 days' END,
       CASE WHEN opened AND from_firm AND steps < 0.002 THEN taker END
  FROM drawn WHERE n <> 999991;
