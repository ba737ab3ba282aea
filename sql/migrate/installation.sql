-- Which installation the database belongs to.
SELECT id FROM installation
