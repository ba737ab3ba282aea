-- Who gets what of each table: one line per table and side. policy.sql makes row-level security and grants of it,
-- and refuses a table without its four lines: no rule, no row. tests/sql/pgtap/access.sql goes through each line.
--
-- The sides are those of kz.side: 'client' and 'staff' are people signed in, 'portal' is the system itself (jobs,
-- uploads that are being finished, kanzleictl), 'public' is whoever has not signed in.

DROP VIEW IF EXISTS access_line, access_rows, access_columns;

-- What the names of rows in access_line mean. {t} is the table; {me}, {all}, {admin}, {side}, {delivery},
-- {may ...}, that right, and {sees ...}, a client or matter in that column which one sees, and the like are as in
-- policy.sql. EMPTY: the sides for which there is no such row anyway, whoever they are.
CREATE VIEW access_rows WITH (security_invoker = true) AS
SELECT * FROM (VALUES
    ('firm', '', 'true'),
    ('own', 'portal public', '{t}.account = {me}'),
    -- The account itself, and what is somebody's: oneself, staff for administrators, whoever acts for a client
    -- that one sees.
    ('self', 'portal public', '{t}.id = {me}'),
    ('known account', 'public',
     '{t}.id = {me} OR {t}.kind = ''client'' AND {all} OR {t}.kind = ''staff'' AND {admin} OR kz_sees_account({t}.id)'),
    ('of known account', 'public', 'kz_sees_account({t}.account)'),
    ('of whole account: "clients"', 'public', '{may clients} AND kz_sees_whole_account({t}.account)'),
    ('new client''s account: "clients"', 'public', '{t}.kind = ''client'' AND {may clients} OR {admin}'),
    ('admin''s', 'public', '{admin}'),
    ('own or admin''s', 'public', '{t}.staff = {me} OR {admin}'),
    -- A client that one sees, as a whole or in one matter alone; what is the client's; what is a matter's.
    ('seen client', 'public', '{sees row of id}'),
    ('any: "clients"', 'public', '{may clients}'),
    ('whole client: "clients"', 'public', '{may clients} AND {sees id}'),
    ('of whole client: "clients"', 'public', '{may clients} AND {sees client}'),
    ('of whole client', 'public', '{sees client}'),
    ('seen matter', 'public', '{sees matter id}'),
    -- An access that is one's business already, or is new: an account of another client's would be seen by it.
    ('known account''s, of whole client: "clients"', 'public',
     '{may clients} AND {sees client} AND (kz_sees_account({t}.account) OR kz_is_new_account({t}.account))'),
    ('of seen matter', 'public', '{sees matter matter}'),
    ('of seen matter: "release"', 'public', '{may release} AND {sees matter matter}'),
    ('own of seen matter', 'public portal', '{t}.account = {me} AND {sees matter matter}'),
    -- What is done with it when all of it is there, scanned and stored, is the portal's to say.
    ('own being received', 'public portal',
     '{t}.account = {me} AND {t}.state = ''receiving'' AND {sees matter matter}'),
    -- What the firm's scanner kept back is not the client's to see, unless it came from there.
    ('document of seen matter', 'public',
     '{sees matter matter} AND ({t}.state = ''available'' OR {t}.direction = ''from_client'' OR {side} <> ''client'')'),
    ('of seen document and matter', 'public',
     '{sees matter matter} AND EXISTS (SELECT FROM document d WHERE d.firm = {t}.firm AND d.id = {t}.document)'),
    ('of seen document', 'public',
     'EXISTS (SELECT FROM document d WHERE d.firm = {t}.firm AND d.id = {t}.document)'),
    -- Steps of deliveries: noted by who received it, for himself, or by the portal: that a mail has gone, and that
    -- an account of the receiving side has acknowledged the last byte.
    ('of seen delivery', 'public', '{sees client} OR EXISTS ({delivery})'),
    ('own with what came', 'public portal',
     '{t}.account = {me} AND {t}.step <> ''notified'' AND EXISTS ({delivery}'
     ' AND v.direction = CASE {side} WHEN ''client'' THEN ''from_firm'' ELSE ''from_client'' END)'),
    ('notified of what went, received', '',
     '{t}.step = ''notified'' AND EXISTS ({delivery} AND v.direction = ''from_firm'')'
     ' OR {t}.step IN (''opened'', ''received'')'
     ' AND EXISTS ({delivery} AND kz_receives({t}.account, v.client, v.direction))'),
    -- Whoever makes a client sees it when it is assigned to somebody: to its maker in the same transaction.
    ('own or of whole client', 'public', '{t}.staff = {me} OR {sees client}'),
    ('of whole or new client: "clients"', 'public',
     '{may clients} AND ({sees client} OR {t}.staff = {me} AND kz_is_new_client({t}.client))'),
    -- Events: of whom or what one sees; of a matter, what is about its documents.
    ('own or seen event', 'public',
     '{t}.account = {me} OR {sees client} OR {t}.document IS NOT NULL AND {by matter}'
     ' AND EXISTS (SELECT FROM document d WHERE d.firm = {t}.firm AND d.id = {t}.document)'),
    ('own or of seen document', 'public portal',
     '{t}.account = {me} OR {sees client}'
     ' AND EXISTS (SELECT FROM document d WHERE d.firm = {t}.firm AND d.id = {t}.document)'),
    ('own about seen client', 'public portal',
     '{t}.account = {me} AND ({t}.client IS NULL OR {sees client}) AND {about no unseen document}'),
    ('about seen or new client', 'public',
     '({t}.client IS NULL OR {sees row of client} OR kz_is_new_client({t}.client)) AND {about no unseen document}'),
    ('about no client', '', '{t}.client IS NULL AND {t}.document IS NULL'),
    ('about known account or seen client', 'public',
     '{all} OR kz_sees_account({t}.about) OR {sees row of about}')
) x (rows, empty, condition);

-- Rows of the firm that a side selects (reads), inserts (adds), updates (changes) and deletes (removes), by the
-- names above; '-': none.
CREATE VIEW access_line WITH (security_invoker = true) AS
SELECT * FROM (VALUES
    ('installation', 'client', '-', '-', '-', '-'),
    ('installation', 'staff',  '-', '-', '-', '-'),
    ('installation', 'portal', '-', '-', '-', '-'),
    ('installation', 'public', '-', '-', '-', '-'),

    ('master_key', 'client', '-', '-', '-', '-'),
    ('master_key', 'staff',  '-', '-', '-', '-'),
    ('master_key', 'portal', '-', '-', '-', '-'),
    ('master_key', 'public', '-', '-', '-', '-'),

    ('migration', 'client', '-', '-', '-', '-'),
    ('migration', 'staff',  '-', '-', '-', '-'),
    ('migration', 'portal', '-', '-', '-', '-'),
    ('migration', 'public', '-', '-', '-', '-'),

    ('firm', 'client', '-',    '-', '-', '-'),
    ('firm', 'staff',  'admin''s', '-', 'admin''s', '-'),
    ('firm', 'portal', 'firm', '-', '-', '-'),
    ('firm', 'public', '-',    '-', '-', '-'),

    ('office', 'client', '-', '-', '-', '-'),
    ('office', 'staff',  '-', '-', '-', '-'),
    ('office', 'portal', '-', '-', '-', '-'),
    ('office', 'public', '-', '-', '-', '-'),

    ('account', 'client', 'self',          '-',                    '-', '-'),
    ('account', 'staff',  'known account', 'new client''s account: "clients"', '-', '-'),
    ('account', 'portal', 'firm',          'firm',                 '-', '-'),
    ('account', 'public', '-',             '-',                    '-', '-'),

    ('staff', 'client', '-',    '-',        '-', '-'),
    ('staff', 'staff',  'firm', 'admin''s', '-', '-'),
    ('staff', 'portal', 'firm', 'firm',     '-', '-'),
    ('staff', 'public', '-',    '-',        '-', '-'),

    ('right', 'client', '-',               '-',        '-', '-'),
    ('right', 'staff',  'own or admin''s', 'admin''s', '-', 'admin''s'),
    ('right', 'portal', 'firm',            'firm',     '-', '-'),
    ('right', 'public', '-',               '-',        '-', '-'),

    ('client', 'client', 'seen client', '-',    '-',            '-'),
    ('client', 'staff',  'seen client', 'any: "clients"', 'whole client: "clients"', '-'),
    ('client', 'portal', 'seen client', '-',    '-',            '-'),
    ('client', 'public', '-',           '-',    '-',            '-'),

    ('group', 'client', '-', '-', '-', '-'),
    ('group', 'staff',  '-', '-', '-', '-'),
    ('group', 'portal', '-', '-', '-', '-'),
    ('group', 'public', '-', '-', '-', '-'),

    ('group_client', 'client', '-', '-', '-', '-'),
    ('group_client', 'staff',  '-', '-', '-', '-'),
    ('group_client', 'portal', '-', '-', '-', '-'),
    ('group_client', 'public', '-', '-', '-', '-'),

    ('account_client', 'client', '-',               '-',               '-', '-'),
    ('account_client', 'staff',  'of whole client', 'known account''s, of whole client: "clients"', '-', '-'),
    ('account_client', 'portal', 'of whole client', '-',               '-', '-'),
    ('account_client', 'public', '-',               '-',               '-', '-'),

    ('assignment', 'client', '-', '-', '-', '-'),
    ('assignment', 'staff',  'own or of whole client', 'of whole or new client: "clients"', '-',
                             'of whole client: "clients"'),
    ('assignment', 'portal', '-', '-', '-', '-'),
    ('assignment', 'public', '-', '-', '-', '-'),

    ('matter', 'client', 'seen matter', '-',                          '-', '-'),
    ('matter', 'staff',  'seen matter', 'of whole client: "clients"', '-', '-'),
    ('matter', 'portal', 'seen matter', '-',                          '-', '-'),
    ('matter', 'public', '-',           '-',                          '-', '-'),

    ('document', 'client', 'document of seen matter', '-',    '-',              '-'),
    ('document', 'staff',  'document of seen matter', '-',    'of seen matter: "release"', '-'),
    ('document', 'portal', 'document of seen matter', 'firm', '-',              '-'),
    ('document', 'public', '-',                       '-',    '-',              '-'),

    ('delivery', 'client', 'of seen matter', '-',              '-', '-'),
    ('delivery', 'staff',  'of seen matter', 'of seen document and matter', 'of seen matter', '-'),
    ('delivery', 'portal', 'of seen matter', 'of seen document and matter', '-', '-'),
    ('delivery', 'public', '-',              '-',              '-', '-'),

    ('delivery_step', 'client', 'of seen delivery', 'own with what came',    '-', '-'),
    ('delivery_step', 'staff',  'of seen delivery', 'own with what came',    '-', '-'),
    ('delivery_step', 'portal', 'of seen delivery', 'notified of what went, received', '-', '-'),
    ('delivery_step', 'public', '-',                '-',                     '-', '-'),

    ('delivery_part', 'client', '-', '-', '-', '-'),
    ('delivery_part', 'staff',  '-', '-', '-', '-'),
    ('delivery_part', 'portal', '-', '-', '-', '-'),
    ('delivery_part', 'public', '-', '-', '-', '-'),

    ('delivery_untold', 'client', '-',    '-', '-', '-'),
    ('delivery_untold', 'staff',  '-',    '-', '-', '-'),
    ('delivery_untold', 'portal', 'firm', '-', '-', 'firm'),
    ('delivery_untold', 'public', '-',    '-', '-', '-'),

    ('event', 'client', 'own or of seen document', 'own about seen client',    '-', '-'),
    ('event', 'staff',  'own or seen event',       'about seen or new client', '-', '-'),
    ('event', 'portal', 'firm',                    'firm',                     '-', '-'),
    ('event', 'public', '-',                       'about no client',          '-', '-'),

    ('event_unsealed', 'client', '-',    '-', '-', '-'),
    ('event_unsealed', 'staff',  '-',    '-', '-', '-'),
    ('event_unsealed', 'portal', 'firm', '-', '-', 'firm'),
    ('event_unsealed', 'public', '-',    '-', '-', '-'),

    ('event_seal', 'client', '-',    '-',    '-', '-'),
    ('event_seal', 'staff',  '-',    '-',    '-', '-'),
    ('event_seal', 'portal', 'firm', 'firm', '-', '-'),
    ('event_seal', 'public', '-',    '-',    '-', '-'),

    ('event_sealed', 'client', '-',    '-',    '-', '-'),
    ('event_sealed', 'staff',  '-',    '-',    '-', '-'),
    ('event_sealed', 'portal', 'firm', 'firm', '-', '-'),
    ('event_sealed', 'public', '-',    '-',    '-', '-'),

    ('session', 'client', 'own',  '-', '-', 'own'),
    ('session', 'staff',  'own',  '-', '-', 'own'),
    ('session', 'portal', 'firm', '-', '-', 'firm'),
    ('session', 'public', '-',    '-', '-', '-'),

    ('form_sent', 'client', '-', '-', '-', '-'),
    ('form_sent', 'staff',  '-', '-', '-', '-'),
    ('form_sent', 'portal', '-', '-', '-', '-'),
    ('form_sent', 'public', '-', '-', '-', '-'),

    ('code', 'client', '-', '-', '-', '-'),
    ('code', 'staff',  'of known account', 'of whole account: "clients"', 'of whole account: "clients"', '-'),
    ('code', 'portal', 'firm', 'firm', 'firm', '-'),
    ('code', 'public', '-', '-', '-', '-'),

    ('upload', 'client', 'own of seen matter', 'own being received', 'own being received', 'own being received'),
    ('upload', 'staff',  'own of seen matter', 'own being received', 'own being received', 'own being received'),
    ('upload', 'portal', 'firm',               '-',                  'firm',               'firm'),
    ('upload', 'public', '-',                  '-',                  '-',                  '-'),

    ('object_copy', 'client', 'of seen document', '-',                '-',                '-'),
    ('object_copy', 'staff',  'of seen document', '-',                '-',                '-'),
    ('object_copy', 'portal', 'of seen document', 'of seen document', 'of seen document', 'of seen document'),
    ('object_copy', 'public', '-',                '-',                '-',                '-'),

    ('job', 'client', '-', '-', '-', '-'),
    ('job', 'staff',  'about known account or seen client', 'firm', '-',    '-'),
    ('job', 'portal', 'firm',                               'firm', 'firm', '-'),
    ('job', 'public', '-', '-', '-', '-')
) x (tab, side, reads, adds, changes, removes);

-- Which columns of a table are selected, inserted and updated by any side at all: PostgreSQL grants columns to a
-- role, and all sides are one role. Not here: hashes, tokens and keys; secret.sql has what needs them.
CREATE VIEW access_columns WITH (security_invoker = true) AS
SELECT * FROM (VALUES
    ('firm', 'id slug name email language created mail_detail', '', 'mail_detail'),
    ('account', 'firm id kind user_name user_fold name email language has_password locked_at created signed_in_at'
                ' mail_failed_at firm_code_at',
     'firm id kind user_name name email language password', ''),
    ('staff', 'firm id kind office', 'firm id', ''),
    ('right', 'firm staff name', 'firm staff name', ''),
    ('client', 'firm id number kind salutation first_name name display sort search street postcode city country'
               ' email language created',
     'firm id number kind salutation first_name name street postcode city country email language',
     'number kind salutation first_name name street postcode city country email language'),
    ('account_client', 'firm account client ends_at', 'firm account client', ''),
    ('assignment', 'firm id staff client group matter', 'firm id staff client', ''),
    ('matter', 'firm id client number title created', 'firm id client number title', ''),
    ('document', 'firm id client matter direction name type size sha256 object by at state reason decided_by'
                 ' decided_at decision opened_at received_at confirmed_at',
     'firm id client matter direction name type size sha256 key object by state reason',
     'name matter state decided_by decided_at decision'),
    ('delivery', 'firm document client matter direction provided_at provided_by notified_at notified_to opened_at'
                 ' opened_by received_at received_by confirmed_at confirmed_by',
     'firm document client matter direction', 'matter'),
    ('delivery_step', 'firm document client account step at firm_code', 'firm document client account step', ''),
    ('delivery_untold', 'firm document client account since', '', ''),
    ('event', 'firm id at kind account client document subject detail',
     'firm id kind account client document subject detail', ''),
    ('event_unsealed', 'firm event since', '', ''),
    ('event_seal', 'firm number at count previous hash key signature',
     'firm number at count previous hash key signature', ''),
    ('event_sealed', 'firm event seal place hash', 'firm event seal place hash', ''),
    ('session', 'firm id account created seen idle ends agent', '', ''),
    ('code', 'firm id account purpose created expires used_at sent_at',
     'firm id account purpose hash expires sent_at', 'expires used_at sent_at'),
    ('upload', 'firm id account client matter name type size state what sha256 created touched worker lease tries',
     'firm id account client matter name type size key', 'name type size state what sha256 touched worker lease'),
    ('object_copy', 'firm document store state at', 'firm document store state', 'state at'),
    ('job', 'firm id kind data about state due tries error worker lease wake created', 'firm id kind data sealed state due',
     'state sealed due tries error worker lease wake')
) x (tab, reads, adds, changes);
