-- Binds the database to the installation $1.
INSERT INTO installation (id) VALUES ($1::uuid)
