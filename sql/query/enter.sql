-- IDS, of KINDS: those in the path that must be visible.
-- enter(slug text, token bytea, who text, right text, kinds text[], ids uuid[]) :one
-- -> firm int4, firm_name text, firm_key bytea, account uuid, kind text, user_name text,
--    name text, language text, session uuid, rights text
SELECT firm, firm_name, firm_key, account, kind, user_name, name, language, session, rights
  FROM kz_enter($slug, $token, $who, $right)
 WHERE $ids = '{}' OR kz_see_ids(firm, $right, $kinds, $ids);

-- enter_portal(firm int4) :one
-- -> firm_name text, firm_slug text, firm_key bytea, language text
SELECT firm_name, firm_slug, firm_key, language FROM kz_enter_portal($firm);

-- firm_key() :one
-- -> firm int4, key bytea
SELECT kz_at_firm(), kz_firm_key();
