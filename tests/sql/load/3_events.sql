-- Kinds 8 and 9, events and seals: sign-ins are sealed, 50 by one seal; events of the last documents wait.
INSERT INTO event (firm, id, at, kind, account, client, document)
SELECT firm, nth(8, 2 * n), at, 'provided', giver, client, id FROM drawn;
INSERT INTO event (firm, id, at, kind, account, client, document)
SELECT firm, nth(8, 2 * n + 1), at + interval '1 day' * luck, 'opened', taker, client, id
  FROM drawn WHERE opened AND from_firm;
INSERT INTO event (firm, id, at, kind, account)
SELECT firm, nth(9, n * 8 + k), now() - random() * interval '1 year', 'signed_in', nth(3, n)
  FROM numbers, generate_series(0, 7) k;

INSERT INTO event_sealed (firm, event, seal, place, hash)
SELECT firm, nth(9, n * 8 + k), 1 + at / 50, 1 + at % 50, decode(repeat('00', 32), 'hex')
  FROM numbers, generate_series(0, 7) k,
       LATERAL (SELECT (n - CASE firm WHEN 1 THEN 0 ELSE 9200 + firm * 400 END) * 8 + k AS at) x;
INSERT INTO event_seal (firm, number, at, count, previous, hash, key, signature)
SELECT firm, seal, now(), count(*), decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'),
       decode(repeat('00', 32), 'hex'), decode(repeat('00', 64), 'hex')
  FROM event_sealed GROUP BY firm, seal;
INSERT INTO event_unsealed (firm, event, since) SELECT firm, nth(8, 2 * n), at FROM drawn WHERE n > 990000;
