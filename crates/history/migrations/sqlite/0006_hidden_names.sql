-- Names that operators withhold.
-- One transaction.
ALTER TABLE privacy ADD COLUMN name_hidden INTEGER NOT NULL DEFAULT 0;
