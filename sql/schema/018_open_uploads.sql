-- How much is announced and not there yet, by account and firm: each has a share.
CREATE INDEX upload_receiving ON upload (firm, account) INCLUDE (size) WHERE state = 'receiving';
