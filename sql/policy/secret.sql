-- What is secret, and who gets at it: hashes of passwords, of sessions' tokens and of one-time codes, marks of wrong
-- passwords, wrapped keys. The portal's role selects none of these columns (access.sql); these functions, which read
-- past row-level security and so state their conditions in full, are the only way.

-- Whether the lock of an account, since P_LOCKED (NULL: none), holds: an administrator's ends by itself after P_LOCK.
CREATE OR REPLACE FUNCTION kz_lock_holds(p_firm int, p_account uuid, p_locked timestamptz, p_lock interval)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p_locked IS NOT NULL AND NOT (p_locked < now() - p_lock AND EXISTS (
               SELECT FROM "right" r WHERE r.firm = p_firm AND r.staff = p_account AND r.name = 'admin'));
$$;

-- The account USER as it signs in, or asks once more for the password of whoever is signed in.
CREATE OR REPLACE FUNCTION kz_sign_in_find(p_user text, p_lock interval)
RETURNS TABLE (id uuid, kind text, password text, language text, locked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.kind, a.password, a.language, kz_lock_holds(a.firm, a.id, a.locked_at, p_lock)
      FROM account a
     WHERE a.firm = kz_at_firm() AND a.user_fold = lower(p_user) AND (kz_side() = 'public' OR a.id = kz_me());
$$;

-- The answer to a password that was tried for USER: 'right', 'wrong', or 'locked', whatever the password was. P_FITTED:
-- the hash that it fitted, NULL for none; P_MARK: its mark. A wrong one counts unless its mark is known, and the third
-- locks; COUNTED says that this one did. It takes the account's row first, so that of many tries at once each sees what
-- those before it have counted. No row: there is no such name.
DROP FUNCTION IF EXISTS kz_sign_in_wrong(text, bytea, interval);
CREATE OR REPLACE FUNCTION kz_password_tried(p_user text, p_fitted text, p_mark bytea, p_lock interval)
RETURNS TABLE (id uuid, verdict text, counted boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found_it account;
BEGIN
    SELECT a.* INTO found_it FROM account a
     WHERE a.firm = kz_at_firm() AND a.user_fold = lower(p_user) AND (kz_side() = 'public' OR a.id = kz_me())
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    id := found_it.id;
    counted := false;
    IF kz_lock_holds(found_it.firm, found_it.id, found_it.locked_at, p_lock) THEN
        verdict := 'locked';
    ELSIF p_fitted IS NOT NULL THEN -- unless another one was set meanwhile, which nobody guessed at
        verdict := CASE WHEN p_fitted = found_it.password THEN 'right' ELSE 'wrong' END;
    ELSE
        IF found_it.locked_at IS NOT NULL THEN -- a lock that has ended
            found_it.wrong := 0;
            found_it.wrong_marks := '{}';
        END IF;
        counted := NOT p_mark = ANY (found_it.wrong_marks);
        verdict := CASE WHEN counted AND found_it.wrong >= 2 THEN 'locked' ELSE 'wrong' END;
        UPDATE account a
           SET wrong = found_it.wrong + 1, wrong_marks = found_it.wrong_marks || p_mark, wrong_at = now(),
               locked_at = CASE WHEN verdict = 'locked' THEN now() END
         WHERE a.firm = found_it.firm AND a.id = found_it.id AND counted;
    END IF;
    RETURN NEXT;
END $$;

-- Signs P_ACCOUNT in by a new session, unless it is locked, or P_PASSWORD, the hash that was found right, is its hash
-- no more. P_BEFORE: the token of the session that the browser had before, which ends: nobody could use that any more
-- but a thief.
CREATE OR REPLACE FUNCTION kz_sign_in(p_account uuid, p_password text, p_lock interval, p_session uuid, p_token bytea,
                                      p_idle interval, p_life interval, p_agent text, p_before bytea)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a
       SET wrong = 0, wrong_marks = '{}', locked_at = NULL, signed_in_at = now()
     WHERE a.firm = kz_at_firm() AND kz_side() = 'public' AND a.id = p_account AND a.password = p_password
       AND NOT kz_lock_holds(a.firm, a.id, a.locked_at, p_lock);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM session s WHERE s.firm = kz_at_firm() AND s.token = p_before;
    INSERT INTO session (firm, id, account, token, idle, ends, agent)
    VALUES (kz_at_firm(), p_session, p_account, p_token, p_idle, now() + p_life, p_agent);
    RETURN true;
END $$;

-- A one-time code by its hash, for whoever has not signed in.
CREATE OR REPLACE FUNCTION kz_code_find(p_hash bytea)
RETURNS TABLE (id uuid, account uuid, kind text, user_name text, name text, language text, used boolean,
               expired boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.id, k.account, a.kind, a.user_name, a.name, a.language, k.used_at IS NOT NULL, k.expires <= now()
      FROM code k JOIN account a ON a.firm = k.firm AND a.id = k.account
     WHERE k.firm = kz_at_firm() AND kz_side() = 'public' AND k.hash = p_hash;
$$;

-- A code that is still good by its hash, for staff who may make one for that account.
CREATE OR REPLACE FUNCTION kz_code_again(p_account uuid, p_hash bytea)
RETURNS TABLE (expires timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT k.expires FROM code k
     WHERE k.firm = kz_at_firm() AND kz_side() = 'staff' AND k.account = p_account AND k.hash = p_hash
       AND k.used_at IS NULL AND k.expires > now() AND kz_sees_whole_account(p_account);
$$;

-- Uses the code with the hash P_HASH up for a new password: its id is no secret, so that wouldn't do. The account's sessions
-- and other codes end. False: somebody else did before, or its time is over, and nothing has changed.
DROP FUNCTION IF EXISTS kz_code_redeem(uuid, text);
CREATE OR REPLACE FUNCTION kz_code_redeem(p_hash bytea, p_password text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whose uuid;
BEGIN
    SELECT k.account INTO whose FROM code k WHERE k.firm = kz_at_firm() AND k.hash = p_hash;
    PERFORM FROM account a -- before its codes, as all who change both: so nobody waits for each other
      WHERE a.firm = kz_at_firm() AND a.id = whose FOR NO KEY UPDATE;
    UPDATE code k SET used_at = now()
     WHERE k.firm = kz_at_firm() AND kz_side() = 'public' AND k.hash = p_hash AND k.used_at IS NULL AND k.expires > now()
    RETURNING k.account INTO whose;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE account a SET password = p_password WHERE a.firm = kz_at_firm() AND a.id = whose;
    UPDATE code k SET expires = now()
     WHERE k.firm = kz_at_firm() AND k.account = whose AND k.used_at IS NULL AND k.expires > now();
    DELETE FROM session s WHERE s.firm = kz_at_firm() AND s.account = whose;
    RETURN true;
END $$;

-- A new password for whoever is signed in, unless the account is locked, or P_FITTED, the hash that the former one was
-- found to fit, is its hash no more: false. Unused codes and all sessions but P_KEEP end, and no wrong ones count.
DROP FUNCTION IF EXISTS kz_password_change(text, uuid);
CREATE OR REPLACE FUNCTION kz_password_change(p_fitted text, p_password text, p_keep uuid, p_lock interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a SET password = p_password, wrong = 0, wrong_marks = '{}', locked_at = NULL
     WHERE a.firm = kz_at_firm() AND a.id = kz_me() AND a.password = p_fitted
       AND NOT kz_lock_holds(a.firm, a.id, a.locked_at, p_lock);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE code k SET expires = now()
     WHERE k.firm = kz_at_firm() AND k.account = kz_me() AND k.used_at IS NULL AND k.expires > now();
    DELETE FROM session s WHERE s.firm = kz_at_firm() AND s.account = kz_me() AND s.id IS DISTINCT FROM p_keep;
    RETURN true;
END $$;

-- The same by kanzleictl, for any account of the firm; a lock ends, too.
CREATE OR REPLACE FUNCTION kz_password_set(p_account uuid, p_password text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a SET password = p_password, wrong = 0, wrong_marks = '{}', locked_at = NULL
     WHERE a.firm = kz_at_firm() AND kz_side() = 'portal' AND a.id = p_account;
END $$;

-- Ends the lock of an account that one sees; false: there was none.
CREATE OR REPLACE FUNCTION kz_unlock(p_account uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a SET locked_at = NULL, wrong = 0, wrong_marks = '{}'
     WHERE a.firm = kz_at_firm() AND a.id = p_account AND a.locked_at IS NOT NULL AND kz_sees_account(a.id)
       AND (kz_side() = 'portal' OR kz_side() = 'staff' AND kz_has('unlock'));
    RETURN FOUND;
END $$;

-- Ends the lock of a client's access by the code with the hash P_HASH, which has just been used: such a
-- code went to the access's own
-- mail address, on somebody's wish at the door, so whoever used it reads that mail. A code on paper or of an invitation
-- says nothing like that, and locks of staff are ended by their administrators. False: there was none.
CREATE OR REPLACE FUNCTION kz_code_unlock(p_hash bytea)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a SET locked_at = NULL, wrong = 0, wrong_marks = '{}'
      FROM code k
     WHERE k.firm = kz_at_firm() AND kz_side() = 'public' AND k.hash = p_hash AND k.purpose = 'password'
       AND k.used_at = now()
       AND a.firm = k.firm AND a.id = k.account AND a.kind = 'client' AND a.locked_at IS NOT NULL;
    RETURN FOUND;
END $$;

-- A code for a new password and its mail, wished by somebody who says to be USER, a user name or a mail address; of
-- several accesses with that address for the one that was used last. None when there is no such name, no mail address,
-- a lock of one of the staff (a client's ends by that mail), a mail that waits with a code of which half the life is
-- left, a code a minute ago, or three within a quarter of an hour: anybody may wish.
-- Then a row is written and goes again, so that the answer takes as long, and the table stays as it was. Wishes for the
-- same name go one after the other: of many at once each sees what those before it have made.
DROP FUNCTION IF EXISTS kz_forgotten(uuid, text);
CREATE OR REPLACE FUNCTION kz_forgotten(p_job uuid, p_user text, p_code uuid, p_hash bytea, p_life interval,
                                        p_sealed bytea)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whose uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('kanzleipost forgotten'), hashtext(kz_at_firm() || ' ' || lower(p_user)));
    SELECT a.id INTO whose FROM account a
     WHERE a.firm = kz_at_firm() AND kz_side() = 'public'
       AND (a.user_fold = lower(p_user) OR lower(a.email) = lower(p_user)) AND a.email <> ''
       AND (a.locked_at IS NULL OR a.kind = 'client')
     ORDER BY a.signed_in_at DESC NULLS LAST, a.id LIMIT 1;
    IF EXISTS (SELECT FROM job j JOIN code k ON k.firm = j.firm AND k.id = (j.data ->> 'code')::uuid
                WHERE j.firm = kz_at_firm() AND j.kind = 'mail' AND j.state = 'waiting' AND j.about = whose
                  AND j.data ->> 'purpose' = 'password' AND k.expires > now() + p_life / 2)
       OR EXISTS (SELECT FROM code k
                   WHERE k.firm = kz_at_firm() AND k.account = whose AND k.purpose = 'password'
                     AND k.created > now() - interval '15 minutes'
                  HAVING count(*) >= 3 OR max(k.created) > now() - interval '1 minute') THEN
        whose := NULL;
    END IF;
    INSERT INTO job (firm, id, kind, state, data, sealed)
    VALUES (kz_at_firm(), p_job, 'mail', 'waiting',
            jsonb_build_object('purpose', 'password', 'account', coalesce(whose, p_job), 'code', p_code), p_sealed);
    IF whose IS NULL THEN
        DELETE FROM job j WHERE j.firm = kz_at_firm() AND j.id = p_job;
    ELSE
        INSERT INTO code (firm, id, account, purpose, hash, expires)
        VALUES (kz_at_firm(), p_code, whose, 'password', p_hash, now() + p_life);
    END IF;
END $$;

-- Whether the staff member at work may change how an account is entered: of a client's access that one sees whole with
-- the right for it, of staff an administrator.
CREATE OR REPLACE FUNCTION kz_keeps_account(p_account uuid, p_kind text)
RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT kz_side() = 'staff' AND CASE p_kind WHEN 'client' THEN kz_has('clients') AND kz_sees_whole_account(p_account)
                                               ELSE kz_has('admin') END;
$$;

-- The mail address of an account whose address one may change, held for that to the end of the transaction; no row of
-- another account.
CREATE OR REPLACE FUNCTION kz_address_hold(p_account uuid)
RETURNS TABLE (email text) LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.email FROM account a
     WHERE a.firm = kz_at_firm() AND a.id = p_account AND kz_keeps_account(a.id, a.kind)
       FOR NO KEY UPDATE;
$$;

-- Makes the codes of an account void that nobody has used: they end, and mails with one that still wait. No row of an
-- account that one may not change; VOIDED: whether there were any.
CREATE OR REPLACE FUNCTION kz_codes_void(p_account uuid)
RETURNS TABLE (voided boolean) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM account a
                    WHERE a.firm = kz_at_firm() AND a.id = p_account AND kz_keeps_account(a.id, a.kind)) THEN
        RETURN;
    END IF;
    UPDATE code k SET expires = now()
     WHERE k.firm = kz_at_firm() AND k.account = p_account AND k.used_at IS NULL AND k.expires > now();
    voided := FOUND;
    UPDATE job j SET state = 'done', sealed = NULL, worker = NULL, lease = NULL
     WHERE j.firm = kz_at_firm() AND j.kind = 'mail' AND j.state = 'waiting' AND j.about = p_account;
    RETURN NEXT;
END $$;

-- Another mail address for an account that one sees. What went to the former one is of no use to whoever has it: its
-- codes are void; what the person is still to be told of goes to the new one. False: it is the address already.
CREATE OR REPLACE FUNCTION kz_address_change(p_account uuid, p_email text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE account a SET email = p_email, mail_failed_at = NULL
     WHERE a.firm = kz_at_firm() AND a.id = p_account AND a.email <> p_email AND kz_keeps_account(a.id, a.kind);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM kz_codes_void(p_account);
    INSERT INTO job (firm, id, kind, data)
    SELECT u.firm, gen_random_uuid(), 'provided', jsonb_build_object('client', u.client, 'account', u.account)
      FROM (SELECT DISTINCT firm, client, account FROM delivery_untold
             WHERE firm = kz_at_firm() AND account = p_account) u ORDER BY u.client
    ON CONFLICT (firm, about, (data ->> 'client')) WHERE kind = 'provided' AND state = 'waiting'
    DO UPDATE SET wake = job.wake + 1, due = now();
    RETURN true;
END $$;

-- The portal's word on the last mail to an account: FAILED for good, or taken by the mail server.
CREATE OR REPLACE FUNCTION kz_mail_ended(p_account uuid, p_failed boolean)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE account a SET mail_failed_at = CASE WHEN p_failed THEN now() END
     WHERE a.firm = kz_at_firm() AND kz_side() = 'portal' AND a.id = p_account
       AND (p_failed OR a.mail_failed_at IS NOT NULL);
$$;

-- The firm's wrapped key, for what whoever has not signed in may ask to be sealed: nobody else opens it but the portal,
-- which has the master key.
CREATE OR REPLACE FUNCTION kz_firm_key()
RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT f.key FROM firm f WHERE f.id = kz_at_firm() AND kz_side() = 'public';
$$;

-- The wrapped key of a document that one may read, and of an upload that is one's own.
CREATE OR REPLACE FUNCTION kz_document_key(p_document uuid)
RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT d.key FROM document d
             WHERE d.firm = kz_at_firm() AND d.id = p_document AND kz_sees_matter(d.client, d.matter)
               AND (d.state = 'available' OR d.direction = 'from_client' OR kz_side() <> 'client'));
END $$;

CREATE OR REPLACE FUNCTION kz_upload_key(p_upload uuid)
RETURNS bytea LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT u.key FROM upload u
             WHERE u.firm = kz_at_firm() AND u.id = p_upload AND (u.account = kz_me() OR kz_side() = 'portal'));
END $$;

-- What proves the master keys, for any side: before it is known that they are the right ones nobody enters. Of a
-- version that no proof was noted of, the wrapped key of one firm proves as much.
CREATE OR REPLACE FUNCTION kz_master_keys()
RETURNS TABLE (version bigint, proof bytea, firm int, key bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH used AS (
        SELECT DISTINCT ON (v) v, f.id, f.key
          FROM firm f, CAST(('x' || encode(substring(f.key FROM 1 FOR 4), 'hex'))::bit(32) AS bigint) v
         ORDER BY v, f.id)
    SELECT coalesce(m.version, u.v), m.proof, coalesce(u.id, 0), CASE WHEN m.proof IS NULL THEN u.key END
      FROM master_key m FULL JOIN used u ON u.v = m.version;
$$;

-- How many uploads are under way, and the bytes announced for them: one's own, and those of all of the firm, of which
-- no more than P_MOST are counted. Numbers alone, past row-level security: a share is of a firm's people together.
CREATE OR REPLACE FUNCTION kz_upload_announced(p_most int)
RETURNS TABLE (mine bigint, mine_bytes bigint, firm bigint, firm_bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FILTER (WHERE u.account = kz_me()),
           coalesce(sum(u.size) FILTER (WHERE u.account = kz_me()), 0)::bigint,
           count(*), coalesce(sum(u.size), 0)::bigint
      FROM (SELECT account, size FROM upload
             WHERE firm = kz_at_firm() AND state = 'receiving' LIMIT p_most) u;
$$;
