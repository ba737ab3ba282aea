-- Who is at work, and what policies and the functions of secret.sql ask of other tables because of it.
--
-- kz_enter() and kz_enter_portal() say who is at work by one setting of the transaction, kz.who, of eight parts:
--
--     firm|account|side|reach|rights|clients|matters|clients of these matters
--
-- side: 'client', 'staff', 'portal' or 'public'; reach: 'all' clients of the firm, a 'few', whose ids are part 6 (an
-- array), or 'many', which are looked up where they are needed: an array of 5,000 ids in a setting takes 185 KB. Staff
-- may work for a matter alone: then its client's row is seen, but not what else the client has; these stand in parts
-- 7 and 8 in the same order, or are looked up, too.
-- Policies read a part by a scalar subquery (policy.sql), all else by these functions.

CREATE OR REPLACE FUNCTION kz_at_firm() RETURNS int LANGUAGE sql STABLE AS $$
    SELECT NULLIF(split_part(current_setting('kz.who', true), '|', 1), '')::int
$$;
CREATE OR REPLACE FUNCTION kz_me() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT NULLIF(split_part(current_setting('kz.who', true), '|', 2), '')::pg_catalog.uuid
$$;
CREATE OR REPLACE FUNCTION kz_side() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(split_part(current_setting('kz.who', true), '|', 3), '')
$$;
CREATE OR REPLACE FUNCTION kz_reach() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(split_part(current_setting('kz.who', true), '|', 4), '')
$$;
-- Whether P_RIGHTS, words, open what P_RIGHT does: "admin" brings all others but "all" (mod_kanzlei/rights.def).
CREATE OR REPLACE FUNCTION kz_right_in(p_rights text, p_right text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_rights ~ ('\m(' || p_right || CASE p_right WHEN 'all' THEN ')\M' ELSE '|admin)\M' END), false)
$$;
CREATE OR REPLACE FUNCTION kz_has(p_right text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT public.kz_right_in(split_part(current_setting('kz.who', true), '|', 5), p_right)
$$;
CREATE OR REPLACE FUNCTION kz_few() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT NULLIF(split_part(current_setting('kz.who', true), '|', 6), '')::pg_catalog.uuid[]
$$;

-- The functions below are SECURITY DEFINER: they read past row-level security, under the owner's policy, so that a
-- policy that asks is not asked in turn; and no planner looks into them, which would plan the same policies for each
-- mention of a table. A policy may ask for each row: so instead of SET, which costs more than they do, full names.

-- Whether the account at work, if it sees many, sees the client as a whole: by one or two looks into an index. Of
-- who sees all or a few, no: the policies ask for these before.
CREATE OR REPLACE FUNCTION kz_works_for(p_client uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    IF public.kz_reach() <> 'many' THEN
        RETURN false;
    ELSIF public.kz_side() = 'client' THEN
        RETURN EXISTS (SELECT FROM public.account_client c
                        WHERE c.firm = public.kz_at_firm() AND c.account = public.kz_me() AND c.client = p_client
                          AND (c.ends_at IS NULL OR c.ends_at > now()));
    END IF;
    RETURN EXISTS (SELECT FROM public.assignment w
                    WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() AND w.client = p_client)
        OR EXISTS (SELECT FROM public.group_client g
                     JOIN public.assignment w ON w.firm = g.firm AND w."group" = g."group"
                    WHERE g.firm = public.kz_at_firm() AND g.client = p_client AND w.staff = public.kz_me());
END $$;

-- The same of a matter: as a whole client's, or assigned by itself.
CREATE OR REPLACE FUNCTION kz_works_on(p_client uuid, p_matter uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    IF public.kz_reach() <> 'many' THEN
        RETURN false;
    END IF;
    RETURN public.kz_works_for(p_client)
        OR EXISTS (SELECT FROM public.assignment w
                    WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() AND w.matter = p_matter);
END $$;

-- The same of a client's row: as a whole, or for one of its matters.
CREATE OR REPLACE FUNCTION kz_works_with(p_client uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    IF public.kz_reach() <> 'many' THEN
        RETURN false;
    END IF;
    RETURN public.kz_works_for(p_client)
        OR EXISTS (SELECT FROM public.assignment w JOIN public.matter m ON m.firm = w.firm AND m.id = w.matter
                    WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() AND m.client = p_client);
END $$;

-- All whole clients of who sees many; of who sees all or a few, none.
CREATE OR REPLACE FUNCTION kz_works_for_all()
RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    IF public.kz_reach() <> 'many' THEN
        RETURN '{}';
    ELSIF public.kz_side() = 'client' THEN
        RETURN ARRAY(SELECT c.client FROM public.account_client c
                      WHERE c.firm = public.kz_at_firm() AND c.account = public.kz_me()
                        AND (c.ends_at IS NULL OR c.ends_at > now()));
    END IF;
    RETURN ARRAY(SELECT w.client FROM public.assignment w
                  WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() AND w.client IS NOT NULL
                 UNION
                 SELECT g.client FROM public.assignment w
                   JOIN public.group_client g ON g.firm = w.firm AND g."group" = w."group"
                  WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() AND w."group" IS NOT NULL);
END $$;

-- All matters that it works for alone, or P_CLIENTS: the clients of these.
CREATE OR REPLACE FUNCTION kz_works_in_part(p_clients boolean)
RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN ARRAY(SELECT CASE WHEN p_clients THEN m.client ELSE m.id END
                   FROM public.assignment w JOIN public.matter m ON m.firm = w.firm AND m.id = w.matter
                  WHERE w.firm = public.kz_at_firm() AND w.staff = public.kz_me() ORDER BY m.id);
END $$;

-- The clients that the account at work sees when these are not all, each once: few as they stand in kz.who, many
-- looked up. Nothing here, nor in what follows, keeps a planner from putting it in place: a function that stays one
-- is planned at each start of a query.
CREATE OR REPLACE FUNCTION kz_mine() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT CASE kz_reach() WHEN 'many' THEN kz_works_for_all() ELSE coalesce(kz_few(), '{}') END
$$;
-- The matters that it works for alone, and their clients, in the same order.
CREATE OR REPLACE FUNCTION kz_part_matters() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT CASE kz_reach() WHEN 'many' THEN kz_works_in_part(false)
           ELSE NULLIF(split_part(current_setting('kz.who', true), '|', 7), '')::pg_catalog.uuid[] END
$$;
CREATE OR REPLACE FUNCTION kz_part_clients() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT CASE kz_reach() WHEN 'many' THEN kz_works_in_part(true)
           ELSE NULLIF(split_part(current_setting('kz.who', true), '|', 8), '')::pg_catalog.uuid[] END
$$;

-- A statement that goes through all clients of who sees many asks kz_list_mine() for them, which notes that: its policies
-- then look into one list, made once per mention of a table, as a function for each row would take too long. Those of
-- other statements call the function (kz_works_for()) and cost the same with 5,000 clients. Either says the same.
CREATE OR REPLACE FUNCTION kz_list_mine() RETURNS uuid[] LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.set_config('kz.listed', 'yes', true);
    RETURN kz_mine();
END $$;
CREATE OR REPLACE FUNCTION kz_listed() RETURNS uuid[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN CASE WHEN current_setting('kz.listed', true) = 'yes' THEN kz_works_for_all() ELSE '{}' END;
END $$;

CREATE OR REPLACE FUNCTION kz_sees_client(p_client uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE public.kz_reach() WHEN 'all' THEN true WHEN 'many' THEN public.kz_works_for(p_client)
           ELSE p_client = ANY (coalesce(public.kz_few(), '{}')) END
$$;
CREATE OR REPLACE FUNCTION kz_sees_matter(p_client uuid, p_matter uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE public.kz_reach() WHEN 'all' THEN true WHEN 'many' THEN public.kz_works_on(p_client, p_matter)
           ELSE p_client = ANY (public.kz_few())
                OR p_matter = ANY (NULLIF(split_part(current_setting('kz.who', true), '|', 7), '')::pg_catalog.uuid[])
           END
$$;
CREATE OR REPLACE FUNCTION kz_sees_client_row(p_client uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE public.kz_reach() WHEN 'all' THEN true WHEN 'many' THEN public.kz_works_with(p_client)
           ELSE p_client = ANY (public.kz_few())
                OR p_client = ANY (NULLIF(split_part(current_setting('kz.who', true), '|', 8), '')::pg_catalog.uuid[])
           END
$$;

-- Whether the account at work sees P_ACCOUNT: itself, one that acts, or acted, for a client that it sees; administrators
-- that of any of the staff, the portal any of the firm.
CREATE OR REPLACE FUNCTION kz_sees_account(p_account uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN p_account = public.kz_me()
        OR EXISTS (SELECT FROM public.account_client ac
                    WHERE ac.firm = public.kz_at_firm() AND ac.account = p_account AND public.kz_sees_client(ac.client))
        OR EXISTS (SELECT FROM public.account a WHERE a.firm = public.kz_at_firm() AND a.id = p_account
                      AND (public.kz_side() = 'portal' OR a.kind = 'staff' AND public.kz_has('admin')));
END $$;

-- Whether it sees P_ACCOUNT and every client that this acts for now: who is given a new code enters to all of them.
CREATE OR REPLACE FUNCTION kz_sees_whole_account(p_account uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN public.kz_sees_account(p_account) AND NOT EXISTS (
        SELECT FROM public.account_client ac
         WHERE ac.firm = public.kz_at_firm() AND ac.account = p_account
           AND (ac.ends_at IS NULL OR ac.ends_at > now()) AND NOT public.kz_sees_client(ac.client));
END $$;

-- Whether P_ACCOUNT is one of those who receive what goes in P_DIRECTION: of the firm's staff, or one that acts, or acted,
-- for P_CLIENT.
CREATE OR REPLACE FUNCTION kz_receives(p_account uuid, p_client uuid, p_direction text)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.account a
         WHERE a.firm = public.kz_at_firm() AND a.id = p_account
           AND CASE p_direction WHEN 'from_client' THEN a.kind = 'staff'
               ELSE EXISTS (SELECT FROM public.account_client ac
                             WHERE ac.firm = a.firm AND ac.account = a.id AND ac.client = p_client) END);
END $$;

-- Whether it may know the name of P_ACCOUNT: also of who acts for a client of whom it sees a matter alone.
CREATE OR REPLACE FUNCTION kz_knows_account(p_account uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.account_client ac WHERE ac.firm = public.kz_at_firm() AND ac.account = p_account
                      AND public.kz_sees_client_row(ac.client));
END $$;

-- Whether P_ACCOUNT was made in this very transaction: then it acts for nobody yet.
CREATE OR REPLACE FUNCTION kz_is_new_account(p_account uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.account a
                    WHERE a.firm = public.kz_at_firm() AND a.id = p_account AND a.created = now());
END $$;

-- Whether P_CLIENT was made in this very transaction: then nobody is assigned to it yet, and whoever made it may.
CREATE OR REPLACE FUNCTION kz_is_new_client(p_client uuid)
RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.client c
                    WHERE c.firm = public.kz_at_firm() AND c.id = p_client AND c.created = now());
END $$;
