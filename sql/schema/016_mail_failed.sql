-- Whether mails name documents and matters: only where the firm's administrators want it.
ALTER TABLE firm ADD COLUMN mail_detail text NOT NULL DEFAULT 'none' CHECK (mail_detail IN ('none', 'names'));

-- Since when mails to the account's address don't arrive: the mail server refused one for good, or all tries failed.
-- NULL: the last one was taken, or the address is another one now.
ALTER TABLE account ADD COLUMN mail_failed_at timestamptz;
CREATE INDEX account_mail_failed ON account (firm, mail_failed_at DESC, id) WHERE mail_failed_at IS NOT NULL;

ALTER TABLE event DROP CONSTRAINT event_kind_check, ADD CONSTRAINT event_kind_check CHECK (kind IN (
    'client_created', 'client_changed', 'matter_created', 'access_created', 'invited', 'letter_printed',
    'password_set', 'signed_in', 'signed_out', 'locked', 'unlocked', 'wrong_password', 'provided', 'notified',
    'opened', 'received', 'confirmed', 'held', 'released', 'discarded', 'infected', 'session_ended',
    'rights_changed', 'assigned', 'unassigned', 'staff_created', 'renamed', 'moved', 'delivered', 'address_changed',
    'settings_changed'));
