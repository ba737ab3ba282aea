-- The newest migration in the database that is not among those of the program ($1, an array).
SELECT max(number) FROM migration WHERE number <> ALL ($1::int[])
