-- When migration $1 was applied.
SELECT applied FROM migration WHERE number = $1::int
