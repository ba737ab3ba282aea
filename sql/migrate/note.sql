-- Notes that migration $1, named $2, has been applied: in its own transaction.
INSERT INTO migration (number, name) VALUES ($1::int, $2)
