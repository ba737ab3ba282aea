-- Searching. Under row-level security a LIKE can't use its index (the operator is not leakproof), nor does
-- PostgreSQL know how often a word is met. So these are written out past it, with the same conditions, and
-- look at the first ones in the list's order: a frequent word fills the page with these, and somebody who
-- sees few clients has no others. Otherwise the word is rare, and its index is read. With the portal's own
-- random_page_cost PostgreSQL would rather walk through all documents of the clients.

-- The condition that P_TEXT is LIKE $2, which is P_LIKE ('%word%'). The index knows three letters in a row,
-- and with which letters words begin: so one letter or two are looked for at the beginning of words alone,
-- behind a blank, a hyphen or an underscore. With more of these PostgreSQL takes the index for dear.
CREATE OR REPLACE FUNCTION kz_like(p_text text, p_like text)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN length(p_like) > 4 THEN p_text || ' LIKE $2'
           ELSE (SELECT format('(%s)',
                               string_agg(format('%s LIKE %L || substr($2, 2)', p_text, before), ' OR '))
                   FROM unnest(ARRAY['', '% ', '%-', '%\_']) before) END;
$$;

-- Whether the index knows anything of P_LIKE: three letters or digits in a row, or where a word begins or ends.
-- Otherwise it would be read as a whole, so such a word ("§") is looked for among the first ones alone.
CREATE OR REPLACE FUNCTION kz_like_indexed(p_like text)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_like ~ CASE WHEN length(p_like) > 4
                         THEN '[[:alnum:]]{3}|[^[:alnum:]%][[:alnum:]]|[[:alnum:]]{2}[^[:alnum:]%]'
                         ELSE '^%[[:alnum:]]' END;
$$;

-- Clients whose number, name or town is LIKE P_LIKE (see kz_like), by name: the first ones behind the client
-- P_PLACE, or, P_BACK, the last ones before it. From the start when that is none whom one may see.
DROP FUNCTION IF EXISTS kz_client_search(text, uuid, int);
CREATE OR REPLACE FUNCTION kz_client_search(p_like text, p_place uuid, p_back boolean, p_limit int)
RETURNS TABLE (firm int, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET random_page_cost = 4.0 AS $$
DECLARE
    near constant int := 1000;
    at_firm int := kz_at_firm();
    -- Whole ones, and those of matters.
    mine uuid[] := kz_mine() || kz_part_clients();
    place_sort text := '';
    conditions text := 'c.firm = $1 AND (c.sort, c.id) ' || CASE WHEN p_back THEN '<' ELSE '>' END || ' ($3, $4)'
        || CASE WHEN kz_reach() = 'all' THEN '' ELSE ' AND c.id = ANY ($5)' END;
    sorted text := CASE WHEN p_back THEN ' ORDER BY sort DESC, id DESC' ELSE ' ORDER BY sort, id' END;
    seen int;
    ids uuid[];
BEGIN
    SELECT c.sort INTO place_sort FROM client c
     WHERE c.firm = at_firm AND c.id = p_place
       AND (kz_reach() = 'all' OR c.id = ANY (mine));
    place_sort := coalesce(place_sort, '');
    p_place := coalesce(p_place, '00000000-0000-0000-0000-000000000000');
    EXECUTE 'WITH near AS MATERIALIZED (SELECT c.id, c.sort, c.search FROM client c WHERE ' || conditions
        || sorted || ' LIMIT $6) SELECT (SELECT count(*) FROM near),'
        || ' ARRAY(SELECT n.id FROM near n WHERE ' || kz_like('n.search', p_like) || sorted || ' LIMIT $7)'
        INTO seen, ids USING at_firm, p_like, place_sort, p_place, mine, near, p_limit;
    IF seen = near AND cardinality(ids) < p_limit AND kz_like_indexed(p_like) THEN
        EXECUTE 'WITH rare AS MATERIALIZED (SELECT c.id, c.sort FROM client c WHERE '
            || kz_like('c.search', p_like) || ' AND ' || conditions
            || ') SELECT ARRAY(SELECT r.id FROM rare r' || sorted || ' LIMIT $7)'
            INTO ids USING at_firm, p_like, place_sort, p_place, mine, near, p_limit;
    END IF;
    RETURN QUERY SELECT at_firm, unnest(ids);
END $$;

-- Documents whose name is LIKE P_LIKE (see kz_like), newest first: the first ones behind the place (P_AT, P_ID)
-- or the last ones before (P_BEFORE, P_ID), with the conditions that are not NULL; P_STATE 'new': sent by the
-- other side and not opened.
DROP FUNCTION IF EXISTS kz_document_search(text, uuid, uuid, text, timestamptz, timestamptz, timestamptz,
                                           uuid, int);
CREATE OR REPLACE FUNCTION kz_document_search(p_like text, p_client uuid, p_matter uuid, p_state text,
                                              p_from timestamptz, p_to timestamptz, p_at timestamptz,
                                              p_before timestamptz, p_id uuid, p_limit int)
RETURNS TABLE (firm int, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET random_page_cost = 4.0 AS $$
DECLARE
    near constant int := 2000;
    at_firm int := kz_at_firm();
    mine uuid[] := kz_mine();
    matters uuid[] := kz_part_matters();
    side text := kz_side();
    incoming text := CASE side WHEN 'client' THEN 'from_firm' ELSE 'from_client' END;
    fresh boolean := coalesce(p_state = 'new', false);
    -- A document is provided in the moment when it is made: either time, either id.
    conditions text := format('%1$s.firm = $1' || CASE WHEN kz_reach() = 'all' THEN ''
                              ELSE ' AND (%1$s.client = ANY ($3)' || CASE WHEN matters IS NULL THEN ')'
                                                                           ELSE ' OR %1$s.matter = ANY ($14))' END END
        || CASE WHEN fresh THEN ' AND v.opened_at IS NULL AND v.direction = $12 AND d.state = ''available'''
                ELSE '' END
        || CASE WHEN side IN ('staff', 'portal') THEN ''
                ELSE ' AND (d.state = ''available'' OR d.direction = ''from_client'')' END
        || CASE WHEN p_state IS NULL OR fresh THEN '' ELSE ' AND d.state = $6' END
        -- As it stands in the indexes of the whole firm's lists.
        || CASE WHEN p_client IS NULL AND p_matter IS NULL THEN ' AND %3$s <> ''00000000-0000-0000-0000-000000000000'''
                ELSE '' END
        || CASE WHEN p_client IS NULL THEN '' ELSE ' AND %1$s.client = $4' END
        || CASE WHEN p_matter IS NULL THEN '' ELSE ' AND %1$s.matter = $5' END
        || CASE WHEN p_from IS NULL THEN '' ELSE ' AND %2$s >= $7' END
        || CASE WHEN p_to IS NULL THEN '' ELSE ' AND %2$s < $8' END
        || CASE WHEN p_at IS NOT NULL THEN ' AND (%2$s, %3$s) < ($9, $10)'
                WHEN p_before IS NOT NULL THEN ' AND (%2$s, %3$s) > ($9, $10)' ELSE '' END,
        CASE WHEN fresh THEN 'v' ELSE 'd' END, CASE WHEN fresh THEN 'v.provided_at' ELSE 'd.at' END,
        CASE WHEN fresh THEN 'v.document' ELSE 'd.id' END);
    place timestamptz := coalesce(p_at, p_before);
    descending text := CASE WHEN p_before IS NULL THEN ' DESC' ELSE '' END;
    source text := CASE WHEN fresh THEN 'delivery v, LATERAL (SELECT * FROM document d WHERE d.firm = v.firm'
                                        ' AND d.id = v.document AND d.client = v.client LIMIT 1) d'
                   ELSE 'document d' END;
    seen int;
    ids uuid[];
BEGIN
    EXECUTE 'WITH near AS MATERIALIZED (SELECT d.id, d.at, d.name FROM ' || source || ' WHERE ' || conditions
        || format(CASE WHEN fresh THEN ' ORDER BY v.provided_at%1$s, v.document%1$s'
                  ELSE ' ORDER BY d.at%1$s, d.id%1$s' END, descending)
        || ' LIMIT $13) SELECT (SELECT count(*) FROM near), ARRAY(SELECT n.id FROM near n'
        || ' WHERE ' || kz_like('lower(n.name)', p_like)
        || format(' ORDER BY n.at%1$s, n.id%1$s LIMIT $11)', descending)
        INTO seen, ids USING at_firm, p_like, mine, p_client, p_matter, p_state, p_from, p_to, place, p_id,
                             p_limit, incoming, near, matters;
    IF seen = near AND cardinality(ids) < p_limit AND kz_like_indexed(p_like) THEN
        -- The words first: a place near an end of the list would look cheaper to the planner, and read all behind it.
        EXECUTE 'WITH d AS MATERIALIZED (SELECT * FROM document d WHERE d.firm = $1 AND '
            || kz_like('lower(d.name)', p_like) || '), rare AS MATERIALIZED (SELECT d.id, d.at FROM d'
            || CASE WHEN fresh THEN ' JOIN delivery v ON v.firm = d.firm AND v.document = d.id'
                                 ' AND v.client = d.client' ELSE '' END
            || ' WHERE ' || conditions
            || format(') SELECT ARRAY(SELECT r.id FROM rare r ORDER BY r.at%1$s, r.id%1$s LIMIT $11)', descending)
            INTO ids USING at_firm, p_like, mine, p_client, p_matter, p_state, p_from, p_to, place, p_id,
                           p_limit, incoming, near, matters;
    END IF;
    RETURN QUERY SELECT at_firm, unnest(ids);
END $$;
