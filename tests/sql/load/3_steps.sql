-- The steps that 3_deliveries.sql notes as the first of each kind.
INSERT INTO delivery_step (firm, document, client, account, step, at)
SELECT firm, id, client, s.account, s.step, s.at
  FROM drawn, LATERAL (VALUES
           ('notified', person, CASE WHEN from_firm AND luck < 0.999 THEN drawn.at + interval '1 minute' END),
           ('opened', taker, CASE WHEN opened THEN drawn.at + interval '1 day' * luck END),
           ('received', taker, CASE WHEN opened AND steps < 0.6 THEN drawn.at + interval '1 day' * luck END),
           ('confirmed', taker, CASE WHEN opened AND from_firm AND steps < 0.002
                                     THEN drawn.at + interval '2 days' END)) s (step, account, at)
 WHERE n <> 999991 AND s.at IS NOT NULL;
