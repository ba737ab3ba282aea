-- The operator's master keys (model/master.c).

-- Each version that proves itself or wraps a firm's key. PROOF: NULL if none was noted; KEY, wrapped, is then that
-- of FIRM.
-- master_keys() :many
-- -> version int8, proof bytea, firm int4, key bytea
SELECT version, proof, firm, key FROM kz_master_keys();

-- For the schema's owner.
-- master_key_note(version int8, proof bytea) :exec
INSERT INTO master_key (version, proof) VALUES ($version, $proof) ON CONFLICT DO NOTHING;
