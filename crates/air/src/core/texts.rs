//! The text of a device: taken from its frames, shown with its states for a while.

use crate::core::device::Device;
use crate::core::text::Text;

impl Device {
    /// Takes a text that was cleaned; an empty one takes the text before it back. Returns whether it changes anything.
    pub(super) fn set_text(&mut self, text: &str, at_us: u64) -> bool {
        let before = self.rare.as_ref().and_then(|rare| rare.text.as_ref());
        if before.map_or(text.is_empty(), |before| before.at_us > at_us) {
            return false;
        }
        self.rare_mut().text = (!text.is_empty()).then(|| Text { text: text.into(), at_us });
        true
    }

    /// The text that a state of this event time shows.
    pub(super) fn text_at(&self, event_at_us: u64) -> Option<&Text> {
        let text = self.rare.as_ref()?.text.as_ref()?;
        text.is_shown_at(event_at_us).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::settings::MINUTE_US;

    #[test]
    fn the_newest_text_is_shown_for_half_an_hour() {
        let mut device = Device::new(1);
        let text_at =
            |device: &Device, minute: u64| device.text_at(minute * MINUTE_US).map(|text| text.text.to_string());
        assert!(!device.set_text("", MINUTE_US), "nothing to take back");
        assert!(device.set_text("landing at the lake", 10 * MINUTE_US));
        assert!(!device.set_text("older", 9 * MINUTE_US));
        assert_eq!(text_at(&device, 39).as_deref(), Some("landing at the lake"));
        assert_eq!(text_at(&device, 40), None);
        assert!(device.set_text("", 11 * MINUTE_US));
        assert_eq!(text_at(&device, 12), None);
    }
}
