-- Names that were stored before mod_kanzlei/base/text.h folded what is typed: NFC, blanks as single spaces with none at
-- either end, nothing that cannot be seen. Words that look for a name are folded, too, and would not find the others.
-- What would be empty stays as it is, and so does a client's number that another one of the firm would have then.
CREATE FUNCTION pg_temp.folded(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE x.folded WHEN '' THEN name ELSE x.folded END
      FROM (SELECT trim(BOTH ' ' FROM regexp_replace(regexp_replace(normalize(name, NFC),
                '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5'
                '\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]', '', 'g'),
                '[\u0009-\u000d \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+', ' ', 'g'))
           AS folded) x
$$;

UPDATE firm SET name = pg_temp.folded(name) WHERE name <> pg_temp.folded(name);
UPDATE account SET name = pg_temp.folded(name) WHERE name <> pg_temp.folded(name);
UPDATE matter SET title = pg_temp.folded(title), number = pg_temp.folded(number)
 WHERE (title, number) <> (pg_temp.folded(title), pg_temp.folded(number));
UPDATE client
   SET salutation = pg_temp.folded(salutation), first_name = pg_temp.folded(first_name), name = pg_temp.folded(name),
       street = pg_temp.folded(street), postcode = pg_temp.folded(postcode), city = pg_temp.folded(city),
       country = pg_temp.folded(country)
 WHERE (salutation, first_name, name, street, postcode, city, country) <>
       (pg_temp.folded(salutation), pg_temp.folded(first_name), pg_temp.folded(name), pg_temp.folded(street),
        pg_temp.folded(postcode), pg_temp.folded(city), pg_temp.folded(country));
WITH f AS MATERIALIZED (SELECT firm, id, pg_temp.folded(number) AS number FROM client),
     alone AS (SELECT firm, number FROM f GROUP BY firm, number HAVING count(*) = 1)
UPDATE client c SET number = f.number
  FROM f JOIN alone a ON a.firm = f.firm AND a.number = f.number
 WHERE c.firm = f.firm AND c.id = f.id AND c.number <> f.number;
DROP FUNCTION pg_temp.folded(text);
