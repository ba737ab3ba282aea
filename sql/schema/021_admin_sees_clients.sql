-- The right "admin" does not open every client any more: "all" alone does. Who has administered a firm until now keeps
-- what that opened, as a right of its own that can be taken away.
INSERT INTO "right" (firm, staff, name)
SELECT firm, staff, 'all' FROM "right" WHERE name = 'admin' ON CONFLICT DO NOTHING;
