-- The documents of one matter, newest first, from a place on.
-- documents_of_matter(matter uuid, at timestamptz, id uuid, count int4) :many
-- -> id uuid, name text, size bytes, at timestamptz, kind enum(pdf|picture|text|other),
--    state enum(available|unscannable|discarded), reason text, from_firm bool, by_name text, unread bool,
--    opened timestamptz, received timestamptz, confirmed timestamptz
SELECT id, name, size, at, kind, state, reason, from_firm, by_name, unread, opened, received, confirmed
  FROM document_row
 WHERE matter_id = $1
   AND (at, id) < (coalesce($2, 'infinity'), coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
 ORDER BY at DESC, id DESC LIMIT $4;
