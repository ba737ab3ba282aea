-- Which rules of policy/ are in force: the hash of their files, noted as the table's comment.
SELECT obj_description('migration'::regclass, 'pg_class')
