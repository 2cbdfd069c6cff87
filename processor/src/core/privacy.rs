//! Who is shown: consent belongs to the device.

use schemas::v1::ConsentMemory;

/// What a device has said about being shown, and what others decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consent {
    /// The online-tracking bit of the newest type 1 or 7 frame, and when that was.
    told: Option<bool>,
    told_at_us: u64,
    /// Has sent what weather stations send.
    pub is_station: bool,
    /// Has sent what only pilots and vehicles send.
    pub is_mobile: bool,
    /// On the deny list: hidden whatever it says.
    pub denied: bool,
    /// Hidden until shown again, by a command.
    pub hidden_by_command: bool,
}

impl Consent {
    /// Takes the bit of a frame. An older frame changes nothing.
    pub fn tell(&mut self, online_tracking: bool, event_at_us: u64) {
        if event_at_us >= self.told_at_us {
            (self.told, self.told_at_us) = (Some(online_tracking), event_at_us);
        }
    }

    /// What the device last said.
    pub fn told(&self) -> Option<bool> {
        self.told
    }

    /// Whether nothing of the device may be public. Unknown counts as hidden; stations are public.
    pub fn hides(&self, privacy: bool) -> bool {
        let refused = match self.told {
            Some(shown) => !shown,
            None => !self.is_only_station(),
        };
        self.denied || self.hidden_by_command || privacy && refused
    }

    /// Has sent what stations send, and nothing that pilots send.
    pub fn is_only_station(&self) -> bool {
        self.is_station && !self.is_mobile
    }

    /// Whether the device has said anything that matters here.
    pub fn has_told(&self) -> bool {
        self.told.is_some() || self.is_station || self.is_mobile
    }

    /// Whether people have ordered something about it.
    pub fn is_ordered(&self) -> bool {
        self.denied || self.hidden_by_command
    }

    /// Orders by people outlive what the device itself said.
    pub fn forget_told(&mut self) {
        *self = Self { denied: self.denied, hidden_by_command: self.hidden_by_command, ..Self::default() };
    }

    /// As the checkpoint keeps it.
    pub fn to_memory(&self) -> ConsentMemory {
        ConsentMemory {
            online_tracking: self.told,
            told_at_us: self.told_at_us,
            is_station: self.is_station,
            is_mobile: self.is_mobile,
            denied: self.denied,
            hidden_by_command: self.hidden_by_command,
        }
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &ConsentMemory) -> Self {
        Self {
            told: memory.online_tracking,
            told_at_us: memory.told_at_us,
            is_station: memory.is_station,
            is_mobile: memory.is_mobile,
            denied: memory.denied,
            hidden_by_command: memory.hidden_by_command,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_hidden_by_table() {
        let consent = |told, is_station, is_mobile, denied, hidden_by_command| Consent {
            told,
            told_at_us: 0,
            is_station,
            is_mobile,
            denied,
            hidden_by_command,
        };
        let cases = [
            (consent(None, false, false, false, false), true, "unknown"),
            (consent(Some(true), false, true, false, false), false, "consented"),
            (consent(Some(false), false, true, false, false), true, "refused"),
            (consent(None, true, false, false, false), false, "station"),
            (consent(None, true, true, false, false), true, "sends more than stations do"),
            (consent(Some(true), true, true, false, false), false, "consented station"),
            (consent(Some(true), false, true, true, false), true, "denied"),
            (consent(Some(true), false, true, false, true), true, "hidden by command"),
        ];
        for (consent, hidden, what) in cases {
            assert_eq!(consent.hides(true), hidden, "{what}");
            assert_eq!(consent.hides(false), consent.denied || consent.hidden_by_command, "{what}, privacy off");
        }
    }

    #[test]
    fn the_newest_frame_decides() {
        let mut consent = Consent::default();
        consent.tell(true, 10);
        consent.tell(false, 9);
        assert_eq!(consent.told(), Some(true));
        consent.tell(false, 10);
        assert_eq!(consent.told(), Some(false));
    }
}
