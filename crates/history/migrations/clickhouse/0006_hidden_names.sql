-- Names that operators withhold.
ALTER TABLE privacy ADD COLUMN IF NOT EXISTS name_hidden Bool COMMENT 'an operator withholds the name and the texts that it sends';
