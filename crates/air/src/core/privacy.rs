//! Privacy: consent belongs to the device, and is kept longer than its aircraft's state.
//!
//! Two questions are answered only here. [`Consent::hides`]: may anything of the device be public now? And
//! [`Consent::public_past`]: which part of its recorded past may be public? The second answer is published for all
//! readers of the past ([`PrivacyState`]), whenever it changes. It changes by statements (a frame that refuses, a
//! command), not by missing knowledge: a device that is silent for a day, and then sends a name alone, is hidden until
//! it consents again, and loses nothing of its past.

use schemas::privacy::PublicPast;
use schemas::v1::{ConsentMemory, DeviceMemory, PrivacyState};

/// A device's consent to be shown, and operators' restrictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consent {
    /// The online-tracking bit of the newest type 1 or 7 frame, and when that was.
    online_tracking: Option<bool>,
    stated_at_us: u64,
    /// Has sent frames that weather stations send.
    pub is_station: bool,
    /// Has sent frames that only pilots and vehicles send.
    pub is_mobile: bool,
    denied: bool,
    hidden_by_command: bool,
    /// An operator withholds the name and texts that it sends.
    name_hidden: bool,
    /// Event time up to which it is known to have been hidden.
    hidden_until_us: u64,
    public_past: PublicPast,
    /// The raw offset that published `public_past`.
    published_at_offset: u64,
    /// Has to be published although nothing was stated. Not kept in checkpoints.
    is_unpublished: bool,
}

impl Consent {
    /// Takes the bit of a frame. An older frame changes nothing.
    pub fn set_online_tracking(&mut self, online_tracking: bool, event_at_us: u64) {
        if event_at_us >= self.stated_at_us {
            (self.online_tracking, self.stated_at_us) = (Some(online_tracking), event_at_us);
        }
    }

    /// The device's newest online-tracking bit.
    pub fn online_tracking(&self) -> Option<bool> {
        self.online_tracking
    }

    /// Hides it, or shows it again, by a command.
    pub fn hide_by_command(&mut self, hidden: bool, clock_us: u64) {
        self.hidden_by_command = hidden;
        self.hidden_until_us = self.hidden_until_us.max(clock_us);
    }

    /// Puts it on the deny list, or takes it off.
    pub fn deny(&mut self, denied: bool, clock_us: u64) {
        self.denied = denied;
        self.hidden_until_us = self.hidden_until_us.max(clock_us);
    }

    /// Withholds the name and texts that it sends from the public, or shows them again.
    pub fn hide_name(&mut self, hidden: bool) {
        self.is_unpublished |= self.name_hidden != hidden;
        self.name_hidden = hidden;
    }

    /// Whether the public may not see the name and texts that it sends.
    pub fn hides_name(&self) -> bool {
        self.name_hidden
    }

    /// Hides all of its past, and forgets the device's own statements.
    pub fn erase(&mut self, clock_us: u64) {
        (self.online_tracking, self.stated_at_us, self.is_station, self.is_mobile) = (None, 0, false, false);
        self.hidden_until_us = self.hidden_until_us.max(clock_us);
        self.is_unpublished |= self.public_past != PublicPast::Nothing;
        self.public_past = PublicPast::Nothing;
    }

    /// On the deny list: hidden independent of its consent.
    pub fn is_denied(&self) -> bool {
        self.denied
    }

    /// Whether nothing of the device may be public. Unknown counts as hidden; stations are public.
    pub fn hides(&self, privacy: bool) -> bool {
        let unknown = self.online_tracking.is_none() && !self.is_only_station();
        self.refuses(privacy) || privacy && unknown
    }

    /// Whether the device or an operator has refused that it is shown.
    fn refuses(&self, privacy: bool) -> bool {
        self.is_restricted() || privacy && self.online_tracking == Some(false)
    }

    /// Updates the public past; true: it has to be published, as made by the record at `offset`.
    pub fn update_public_past(&mut self, privacy: bool, offset: u64) -> bool {
        let past = match self.public_past {
            _ if self.refuses(privacy) => PublicPast::Nothing,
            PublicPast::Nothing if !self.hides(privacy) => PublicPast::Since(self.shown_again_us()),
            unchanged => unchanged,
        };
        let is_new = past != self.public_past || self.is_unpublished;
        if is_new {
            (self.public_past, self.published_at_offset, self.is_unpublished) = (past, offset, false);
        }
        is_new
    }

    /// From which event time on a hidden device is shown again.
    fn shown_again_us(&self) -> u64 {
        let stated_at_us = if self.online_tracking == Some(true) { self.stated_at_us } else { 0 };
        // 0 would say that it had never been hidden.
        stated_at_us.max(self.hidden_until_us).max(1)
    }

    /// The part of its recorded past that is public, as last published.
    pub fn public_past(&self) -> PublicPast {
        self.public_past
    }

    /// The published state. `None`: neither it nor its name has ever been hidden.
    pub fn state(&self, device: u32) -> Option<PrivacyState> {
        let state = PrivacyState {
            device,
            version: self.published_at_offset,
            online_tracking: self.online_tracking,
            denied: self.denied,
            hidden_by_command: self.hidden_by_command,
            hidden_until_us: self.hidden_until_us,
            name_hidden: self.name_hidden,
            ..PrivacyState::default()
        };
        self.was_published().then(|| self.public_past.put(state))
    }

    /// Whether it differs from that of a device that nothing is known of, or did so once: then it is published.
    fn was_published(&self) -> bool {
        self.public_past != PublicPast::Everything || self.name_hidden || self.published_at_offset > 0
    }

    /// As the checkpoint of a device of which nothing else is known, for a new log.
    pub fn checkpoint_of(state: &PrivacyState) -> DeviceMemory {
        let consent = Self {
            online_tracking: state.online_tracking.filter(|shown| !shown),
            denied: state.denied,
            hidden_by_command: state.hidden_by_command,
            name_hidden: state.name_hidden,
            hidden_until_us: state.hidden_until_us,
            public_past: PublicPast::of(state),
            published_at_offset: state.version,
            ..Self::default()
        };
        DeviceMemory { device: state.device, consent: Some(consent.to_checkpoint()), ..DeviceMemory::default() }
    }

    /// Has sent frames of stations, and none of pilots.
    pub fn is_only_station(&self) -> bool {
        self.is_station && !self.is_mobile
    }

    /// Whether it holds statements of the device that expire when it is silent.
    pub fn has_expiring(&self) -> bool {
        self.online_tracking == Some(true) || self.is_station || self.is_mobile
    }

    /// Whether an operator's restriction applies to it.
    pub fn is_restricted(&self) -> bool {
        self.denied || self.hidden_by_command
    }

    /// Whether it holds data that never expires: a refusal, a restriction, or that it was hidden once.
    pub fn is_durable(&self) -> bool {
        self.is_restricted() || self.online_tracking == Some(false) || self.was_published()
    }

    /// Forgets the statements that expire: consent, and the kind of device.
    pub fn forget_expiring(&mut self) {
        if self.online_tracking == Some(true) {
            (self.online_tracking, self.stated_at_us) = (None, 0);
        }
        (self.is_station, self.is_mobile) = (false, false);
    }

    /// The clock was set back: times in the future move back, by `shift`.
    pub fn set_back(&mut self, shift: impl Fn(&mut u64)) {
        shift(&mut self.stated_at_us);
        shift(&mut self.hidden_until_us);
        if let PublicPast::Since(since_us) = &mut self.public_past {
            let before_us = *since_us;
            shift(since_us);
            self.is_unpublished |= before_us != *since_us;
        }
    }

    /// Whether something of it lies after a time.
    pub fn is_ahead_of(&self, at_us: u64) -> bool {
        let since_us = self.public_past.first_us().unwrap_or_default();
        self.stated_at_us.max(self.hidden_until_us).max(since_us) > at_us
    }

    /// As the checkpoint keeps it.
    pub fn to_checkpoint(&self) -> ConsentMemory {
        let past = (self.public_past != PublicPast::Everything).then(|| schemas::v1::PublicPast {
            nothing: self.public_past == PublicPast::Nothing,
            since_us: self.public_past.first_us().unwrap_or_default(),
        });
        ConsentMemory {
            online_tracking: self.online_tracking,
            told_at_us: self.stated_at_us,
            is_station: self.is_station,
            is_mobile: self.is_mobile,
            denied: self.denied,
            hidden_by_command: self.hidden_by_command,
            public_past: past,
            published_at_offset: self.published_at_offset,
            hidden_until_us: self.hidden_until_us,
            name_hidden: self.name_hidden,
        }
    }

    /// From a checkpoint.
    pub fn from_checkpoint(checkpoint: &ConsentMemory) -> Self {
        let public_past = match &checkpoint.public_past {
            None => PublicPast::Everything,
            Some(past) if past.nothing => PublicPast::Nothing,
            Some(past) => PublicPast::Since(past.since_us),
        };
        Self {
            online_tracking: checkpoint.online_tracking,
            stated_at_us: checkpoint.told_at_us,
            is_station: checkpoint.is_station,
            is_mobile: checkpoint.is_mobile,
            denied: checkpoint.denied,
            hidden_by_command: checkpoint.hidden_by_command,
            name_hidden: checkpoint.name_hidden,
            hidden_until_us: checkpoint.hidden_until_us,
            public_past,
            published_at_offset: checkpoint.published_at_offset,
            is_unpublished: false,
        }
    }
}

#[cfg(test)]
mod tests;
