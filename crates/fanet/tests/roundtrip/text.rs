//! Text that a sender has cut.

use fanet::Text;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_was_not_cut_keeps_its_text(text in "[a-zA-Z äöüß漢字🪂]{0,40}", cut in 0..3_usize) {
        let bytes = &text.as_bytes()[..text.len().saturating_sub(cut)];
        let complete = String::from_utf8_lossy(bytes);
        let complete = complete.trim_end_matches('\u{FFFD}');
        let shown = Text::until_nul(bytes).display();
        prop_assert!(shown.starts_with(complete), "{:?} of {:?}", shown, text);
        // One letter more, at most: where nothing but ASCII stands before it, it can be one of Latin-1.
        prop_assert!(shown.chars().count() <= complete.chars().count() + usize::from(complete.is_ascii()));
    }
}
