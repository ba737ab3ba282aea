INSERT INTO object_copy (firm, document, store, state, at)
SELECT firm, id, store, CASE WHEN n % 5000 = 7 AND store = 'two' THEN 'missing' ELSE 'held' END, at
  FROM drawn, unnest(ARRAY['one', 'two']) store;
