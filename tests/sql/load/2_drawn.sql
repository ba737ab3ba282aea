-- Kind 7: generates a million documents of four years, from which the other files make rows. 60 of 100
-- belong to the first firm; the share of a firm's K-th client grows with the square root of K. Nearly
-- all documents older than two weeks were opened, and half of the rest.
SELECT setseed(0.25);

CREATE UNLOGGED TABLE drawn AS
SELECT d.*, nth(7, n) AS id, nth(1, number) AS client, nth(2, 2 * number + (random() < 0.3)::int) AS matter,
       person, lead, CASE WHEN from_firm THEN lead ELSE person END AS giver,
       CASE WHEN from_firm THEN person ELSE lead END AS taker,
       CASE WHEN from_firm THEN 'from_firm' ELSE 'from_client' END AS direction,
       steps < CASE WHEN n < 990000 THEN 0.98 ELSE 0.5 END AS opened
  FROM (SELECT n, now() - interval '4 years' * (1 - n / 1000001.0) AS at, firm,
               CASE firm WHEN 1 THEN floor(10000 * power(random(), 2))
                         ELSE 9200 + firm * 400 + floor(400 * power(random(), 2)) END::int AS number,
               random() < 0.55 AS from_firm, random() AS luck, random() AS steps, random() AS word
          FROM (SELECT n, CASE WHEN n % 10 < 6 THEN 1 ELSE 2 + n / 10 % 19 END AS firm
                  FROM generate_series(1, 1000000) n) n) d,
       LATERAL (SELECT nth(3, number) AS person,
                       nth(4, CASE firm WHEN 1 THEN 0 ELSE firm * 100 END) AS lead) p;
