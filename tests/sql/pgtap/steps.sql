-- How far a document has come stands in its row too, as its delivery has it.
BEGIN;
\ir scene.sql
SELECT no_plan();

CREATE FUNCTION pg_temp.apart() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM document d LEFT JOIN delivery v ON v.firm = d.firm AND v.document = d.id
     WHERE (d.opened_at, d.received_at, d.confirmed_at)
           IS DISTINCT FROM (v.opened_at, v.received_at, v.confirmed_at);
$$;

UPDATE delivery SET opened_at = '2026-01-01', opened_by = tap.id(1, 'maria') WHERE firm = 1;
SELECT is(count(*), 0::bigint, 'opened: every document of the firm')
  FROM document d JOIN delivery v ON v.firm = d.firm AND v.document = d.id
 WHERE d.firm = 1 AND d.opened_at IS DISTINCT FROM '2026-01-01';
SELECT is(pg_temp.apart(), 0::bigint, 'opened: nothing of another firm');
UPDATE delivery SET received_at = '2026-01-02', received_by = tap.id(1, 'maria'), confirmed_at = '2026-01-03',
                    confirmed_by = tap.id(1, 'maria')
 WHERE firm = 1 AND document = tap.id(1, 'from_firm');
SELECT results_eq('SELECT received_at, confirmed_at FROM document WHERE id = tap.id(1, ''from_firm'')',
                  'VALUES (timestamptz ''2026-01-02'', timestamptz ''2026-01-03'')', 'received and confirmed');
SELECT is(pg_temp.apart(), 0::bigint, 'received and confirmed: that document alone');

DELETE FROM delivery WHERE firm = 2 AND document = tap.id(2, 'from_firm');
INSERT INTO delivery (firm, document, client, matter, direction, provided_at, provided_by, opened_at, opened_by)
SELECT firm, id, client, matter, direction, at, by, '2026-01-04', by FROM document
 WHERE firm = 2 AND id = tap.id(2, 'from_firm');
SELECT is(opened_at, '2026-01-04', 'a delivery that comes opened') FROM document WHERE id = tap.id(2, 'from_firm');

SELECT ok(NOT has_column_privilege('kanzlei_portal', 'document', c, p), format('document.%s: no %s by the portal', c, p))
  FROM unnest(ARRAY['opened_at', 'received_at', 'confirmed_at']) c, unnest(ARRAY['INSERT', 'UPDATE']) p;

SELECT * FROM finish();
ROLLBACK;
