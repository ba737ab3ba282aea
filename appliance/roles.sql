-- Roles and database of the embedded cluster, as its superuser; safe to run again. For an outside
-- PostgreSQL an administrator does the same once, with passwords (see README.md).
SELECT 'CREATE ROLE kanzlei_owner LOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kanzlei_owner') \gexec
SELECT 'CREATE ROLE kanzlei_portal LOGIN NOINHERIT'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kanzlei_portal') \gexec
SELECT 'CREATE DATABASE kanzlei OWNER kanzlei_owner TEMPLATE template0 ENCODING ''UTF8'''
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'kanzlei') \gexec
REVOKE ALL ON DATABASE kanzlei FROM PUBLIC;
GRANT CONNECT ON DATABASE kanzlei TO kanzlei_portal;
