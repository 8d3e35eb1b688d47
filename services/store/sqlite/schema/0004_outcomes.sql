-- What the phone's network said of a text, beside the status of its delivery.
ALTER TABLE deliveries ADD COLUMN outcome TEXT;
ALTER TABLE deliveries ADD COLUMN error_code INTEGER;
CREATE INDEX undelivered ON deliveries (id) WHERE outcome = 'undelivered';
