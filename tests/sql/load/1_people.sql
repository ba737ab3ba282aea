-- 20 firms, their people, clients and matters. Files of the same number run in parallel (million.py).
SELECT setseed(0.5);

-- Returns the id of the N-th thing of a kind: ordered by time, as a UUIDv7 is.
CREATE FUNCTION nth(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('0190' || lpad(to_hex(n), 8, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8000'
            || lpad(to_hex(n), 12, '0'))::uuid
$$;

INSERT INTO firm (slug, name, key)
SELECT 'firma-' || f, 'Kanzlei ' || f, decode(repeat('00', 76), 'hex') FROM generate_series(1, 20) f;

-- Kind 1, clients: 0 to 9,999 belong to the first firm, each other firm has 400.
CREATE TABLE numbers AS
SELECT n, CASE WHEN n < 10000 THEN 1 ELSE 2 + (n - 10000) / 400 END AS firm
  FROM generate_series(0, 17599) n;

INSERT INTO client (firm, id, number, kind, first_name, name, city, created)
SELECT firm, nth(1, n), (20000 + n)::text, 'person',
       (ARRAY['Maria','Anna','Peter','Hans','Ute','Kemal','Lena','Ingrid','Paul','Jörg'])[1 + n % 10],
       (ARRAY['Sommer','Winter','Beispiel','Lindner','Baum','Yıldız','Kowalski'])[1 + n % 7]
           || chr(97 + n % 26) || chr(97 + n / 26 % 26),
       (ARRAY['Köln','Bonn','Ulm','Kiel','Jena','Weimar'])[1 + n % 6], now() - interval '4 years'
  FROM numbers;

-- Kind 2, matters: each client has two; client number 5 has 300 more.
INSERT INTO matter (firm, id, client, number, title, created)
SELECT firm, nth(2, 2 * n + k), nth(1, n), k::text, 'Steuererklärung ' || k,
       now() - interval '4 years' * random()
  FROM numbers, generate_series(0, 1) k;
INSERT INTO matter (firm, id, client, number, title, created)
SELECT 1, nth(2, 1000000 + k), nth(1, 5), k::text, 'Verfahren ' || k,
       now() - interval '3 years' * random()
  FROM generate_series(1, 300) k;

-- Kind 3, accounts of clients: each client has one; number 40 acts for 39 others too.
INSERT INTO account (firm, id, kind, user_name, name, email, password, wrong_at, locked_at, created,
                     signed_in_at)
SELECT firm, nth(3, n), 'client', 'mandant-' || n, 'Mandant ' || n, 'm' || n || '@mandant.example',
       CASE WHEN n % 9 > 0 THEN '$argon2id$' || n END, CASE WHEN n % 400 = 1 THEN now() END,
       CASE WHEN n % 400 = 1 THEN now() - random() * interval '1 day' END, now() - interval '4 years',
       now() - random() * interval '1 year'
  FROM numbers;
INSERT INTO account_client (firm, account, client) SELECT firm, nth(3, n), nth(1, n) FROM numbers;
INSERT INTO account_client (firm, account, client)
SELECT 1, nth(3, 40), nth(1, n) FROM generate_series(7041, 7079) n;

-- Kind 4, staff: 0 to 199 belong to the first firm, FIRM * 100 and the next 99 to each other one. Each tenth
-- is an administrator, the next one sees all clients.
CREATE TABLE people AS
SELECT n, CASE WHEN n < 200 THEN 1 ELSE n / 100 END AS firm FROM generate_series(0, 2099) n;
INSERT INTO account (firm, id, kind, user_name, name, email, password, created)
SELECT firm, nth(4, n), 'staff', 'kraft-' || n, 'Kraft ' || n, 'k' || n || '@kanzlei.example',
       '$argon2id$' || n, now() - interval '4 years' FROM people;
INSERT INTO account (firm, id, kind, user_name, name) -- not staff yet
VALUES (1, nth(4, 5000), 'staff', 'kraft-5000', 'Kraft 5000');
INSERT INTO staff (firm, id) SELECT firm, nth(4, n) FROM people;
INSERT INTO "right" (firm, staff, name)
SELECT firm, nth(4, n), r FROM people, unnest(ARRAY['admin', 'all', 'clients', 'unlock', 'release']) r
 WHERE CASE r WHEN 'admin' THEN n % 10 = 0 WHEN 'all' THEN n % 10 < 2 ELSE n % 10 < 8 END;

-- Kinds 5 and 6, assignments and groups: number 2 works for 5,000 clients, number 3 for 4 and a group of
-- 8, number 4 for 2 and for a matter of 20 others, of which one has the most documents, the others for 50.
INSERT INTO assignment (firm, id, staff, client)
SELECT 1, nth(5, n), nth(4, 2), nth(1, 2 * n + 1) FROM generate_series(0, 4999) n
 UNION ALL
SELECT 1, nth(5, 5000 + n), nth(4, 3), nth(1, 3000 + n) FROM generate_series(0, 3) n
 UNION ALL
SELECT p.firm, nth(5, 10000 + p.n * 50 + k), nth(4, p.n),
       nth(1, CASE p.firm WHEN 1 THEN p.n * 50 + k ELSE 9200 + p.firm * 400 + p.n % 10 * 30 + k END)
  FROM people p, generate_series(0, 49) k WHERE p.n NOT IN (2, 3, 4);
INSERT INTO assignment (firm, id, staff, client)
SELECT 1, nth(5, 9100 + n), nth(4, 4), nth(1, 3100 + n) FROM generate_series(0, 1) n;
INSERT INTO assignment (firm, id, staff, matter)
SELECT 1, nth(5, 200000 + n), nth(4, 4), nth(2, 2 * n) FROM generate_series(0, 9999) n WHERE n < 1 OR n > 9980;
INSERT INTO "group" (firm, id, name)
SELECT f, nth(6, f * 100 + g), 'Gruppe ' || g FROM generate_series(1, 20) f, generate_series(0, 99) g;
INSERT INTO group_client (firm, "group", client)
SELECT firm, nth(6, firm * 100 + n % 99), nth(1, n) FROM numbers WHERE n % 40 < 5;
INSERT INTO group_client (firm, "group", client)
SELECT 1, nth(6, 199), nth(1, 3010 + n) FROM generate_series(0, 7) n;
INSERT INTO assignment (firm, id, staff, "group") VALUES (1, nth(5, 9000), nth(4, 3), nth(6, 199));

-- Kinds 10 to 12: sessions, codes.
INSERT INTO session (firm, id, account, token, created, seen, idle, ends)
SELECT firm, nth(10, 2 * n + k), nth(3, n), sha256(('client-' || n || '-' || k)::bytea),
       now() - interval '1 hour' * k, now() - interval '1 hour' * k, '1 day',
       now() + interval '20 hours' - random() * interval '20 hours'
  FROM numbers, generate_series(0, 1) k;
INSERT INTO session (firm, id, account, token, created, seen, idle, ends)
SELECT firm, nth(11, n), nth(4, n), sha256(('staff-' || n)::bytea), now(), now() - interval '2 minutes',
       '1 day', now() + interval '20 hours' FROM people;
INSERT INTO code (firm, id, account, purpose, hash, created, expires, used_at)
SELECT firm, nth(12, n), nth(3, n), CASE n % 3 WHEN 0 THEN 'password' ELSE 'invitation' END,
       sha256(('code-' || n)::bytea), now() - interval '1 year' * random(),
       now() + interval '1 day' * random(), CASE WHEN n % 9 > 0 THEN now() END
  FROM numbers;

-- Kinds 13 and 14, uploads and jobs of a day: some thousand are done, some hundred are open.
INSERT INTO upload (firm, id, account, client, matter, name, type, size, key, state, created, touched,
                    worker, lease)
SELECT firm, nth(13, n), nth(3, n), nth(1, n), nth(2, 2 * n), 'Scan.pdf', 'application/pdf', 1000000,
       decode(repeat('00', 76), 'hex'),
       CASE WHEN n % 50 = 1 THEN 'receiving' WHEN n % 400 = 1 THEN 'scanning'
            WHEN n % 97 = 0 THEN 'infected' ELSE 'available' END,
       now() - interval '1 day' * random(), now() - interval '1 day' * random(),
       CASE WHEN n % 3000 = 1 THEN '00000000-0000-4000-8000-000000000000'::uuid END,
       CASE WHEN n % 3000 = 1 THEN timestamptz '2100-01-01' END
  FROM numbers;
INSERT INTO job (firm, id, kind, data, state, due, error, created)
SELECT firm, nth(14, n), CASE n % 2 WHEN 0 THEN 'mail' ELSE 'provided' END,
       CASE n % 2 WHEN 0 THEN jsonb_build_object('account', nth(3, n), 'purpose', 'invitation')
                  ELSE jsonb_build_object('client', nth(1, n)) END,
       CASE WHEN n % 10 < 2 THEN 'waiting' WHEN n % 500 = 2 THEN 'failed' ELSE 'done' END,
       now() - random() * interval '1 day',
       CASE WHEN n % 500 < 3 THEN 'the mail server refused' ELSE '' END, now() - random() * interval '1 day'
  FROM numbers;
