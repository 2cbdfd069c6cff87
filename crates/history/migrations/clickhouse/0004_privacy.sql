-- Whose past is public, and whose reception a row tells of.

CREATE TABLE IF NOT EXISTS privacy (
    device             UInt32 COMMENT 'device address, manufacturer << 16 | id',
    version            UInt64 COMMENT 'raw offset that made this state; the highest stays',
    hidden             Bool COMMENT 'nothing of the device is for the public',
    public_since       DateTime64(3, 'UTC') COMMENT 'of a device that is not hidden: what happened before is not for the public, UTC, resolution 1 ms',
    refused            Bool COMMENT 'the newest frame of the device itself refuses to be shown',
    denied             Bool COMMENT 'on the deny list',
    hidden_by_command  Bool COMMENT 'hidden by a command',
    hidden_until       DateTime64(3, 'UTC') COMMENT 'up to when it is known to have been hidden, UTC, resolution 1 ms'
) ENGINE = ReplacingMergeTree(version)
ORDER BY device
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Devices that are or were hidden: what of their past is public. A device without a row was never hidden.';

ALTER TABLE receptions ADD COLUMN IF NOT EXISTS device Nullable(UInt32) COMMENT 'address of the sender; NULL: the device is hidden, or the row is older than this column' CODEC(ZSTD(1));
