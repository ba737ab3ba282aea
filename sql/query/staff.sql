-- The firm's people by name: those behind PLACE, or the last ones before it (BACK).
-- staff(place uuid, back bool, count int4) :many
-- -> id uuid, user text, staff_name text, email text, state enum(new|invited|active|locked),
--    last_sign_in timestamptz, rights text
SELECT a.id, a."user", a.name, a.email, a.state, a.last_sign_in, r.rights
  FROM (SELECT s.firm, s.id FROM account s
         WHERE s.kind = 'staff'
               [place: AND (s.name, s.id) [back: <] [!back: >]
                           ((SELECT coalesce((SELECT p.name FROM account p WHERE p.id = $place), '')), $place)]
         ORDER BY s.firm [back: DESC], s.kind [back: DESC], s.name [back: DESC], s.id [back: DESC]
         LIMIT $count) s
  JOIN account_row a ON a.firm = s.firm AND a.id = s.id,
       LATERAL (SELECT string_agg(x.name, ' ' ORDER BY x.name) AS rights
                  FROM "right" x WHERE x.firm = a.firm AND x.staff = a.id) r
 ORDER BY a.name, a.id;

-- One of the staff, as seen by the account ME.
-- staff_member(staff uuid, me uuid) :maybe
-- -> id uuid, account_id uuid, user text, staff_name text, email text,
--    state enum(new|invited|active|locked), invited timestamptz, last_sign_in timestamptz,
--    mailing timestamptz, mail_failed timestamptz, locked_at timestamptz, code_until timestamptz, myself bool
SELECT a.id, a.id, a."user", a.name, a.email, a.state, a.invited, a.last_sign_in, a.mailing, a.mail_failed,
       a.locked_at, a.code_until, a.id = $me
  FROM account_row a WHERE a.side = 'staff' AND a.id = $staff;

-- staff_rights(staff uuid) :one
-- -> rights text
SELECT string_agg(name, ' ' ORDER BY name) FROM "right" WHERE staff = $staff;

-- The clients assigned to one of the staff one by one.
-- clients_of_staff(staff uuid) :many
-- -> id uuid, number text, client_name text
SELECT c.id, c.number, c.display
  FROM assignment s JOIN client c ON c.firm = s.firm AND c.id = s.client
 WHERE s.staff = $staff ORDER BY c.sort, c.id LIMIT 201;

-- Rights of one firm change one after the other: two administrators can't take the last right
-- "admin" from each other at the same time. Held to the end of the transaction.
-- rights_lock() :one
-- -> held int4
SELECT 1
  FROM pg_advisory_xact_lock(hashtext('kanzleipost rights'), kz_at_firm());

-- How many others are administrators.
-- admins_beside(staff uuid) :one
-- -> count int4
SELECT count(*)::int FROM "right" WHERE name = 'admin' AND staff <> $staff;

-- rights_drop(staff uuid, keep text[]) :exec
DELETE FROM "right" WHERE staff = $staff AND name <> ALL ($keep);

-- rights_add(staff uuid, names text[]) :exec
INSERT INTO "right" (firm, staff, name)
SELECT kz_at_firm(), $staff, n FROM unnest($names) n ON CONFLICT DO NOTHING;

-- What administrators decide for the whole firm.
-- firm_settings() :one
-- -> mail_detail enum(none|names)
SELECT mail_detail FROM firm;

-- The same, locked for whoever changes them, to the end of the transaction.
-- firm_settings_locked() :one as firm_settings
SELECT mail_detail FROM firm FOR NO KEY UPDATE;

-- firm_settings_change(mail_detail text) :exec
UPDATE firm SET mail_detail = $mail_detail;
