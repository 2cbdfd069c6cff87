//! Cleans names and texts that users send, once, at the input, so that live states, history and files have the same text.

/// Longer names are cut, characters.
const LONGEST: usize = 80;
/// Longer texts are cut, characters: more than one frame can carry.
const LONGEST_TEXT: usize = 250;

/// A name on one line, without what is no letter: control characters (the beginnings of escape sequences among them),
/// directions of writing and other characters that are not seen. Empty: nothing is left.
pub fn clean_name(name: &str) -> String {
    clean(name, LONGEST)
}

/// A text message, cleaned as a name is.
pub fn clean_text(text: &str) -> String {
    clean(text, LONGEST_TEXT)
}

fn clean(text: &str, longest: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(longest));
    let mut count = 0;
    for word in text.split(char::is_whitespace) {
        let mut letters = word.chars().filter(|letter| is_shown(*letter)).peekable();
        if letters.peek().is_some() && count > 0 && count < longest {
            clean.push(' ');
            count += 1;
        }
        for letter in letters.take(longest - count) {
            clean.push(letter);
            count += 1;
        }
    }
    // Where the bound fell between two words.
    clean.truncate(clean.trim_end().len());
    clean
}

/// Whether a character is seen, or shapes those beside it (joiners, selectors of emoji).
fn is_shown(letter: char) -> bool {
    let is_unseen = matches!(letter,
        // Marks, embeddings, overrides and isolates of direction.
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        // Spaces without width, soft hyphens, byte order marks, invisible operators, annotations, tags.
        | '\u{00AD}' | '\u{200B}' | '\u{2060}'..='\u{2065}' | '\u{206A}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}');
    !letter.is_control() && !is_unseen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_cleaned_by_table() {
        let cases = [
            ("Eva", "Eva"),
            ("  Jürg  Müller ", "Jürg Müller"),
            ("\u{1b}[31mEva\r\nMaria", "[31mEva Maria"),
            ("Eva\u{202E}avE\u{202C}", "EvaavE"),
            ("\u{7}\u{0}\u{85}", ""),
            ("a\u{2028}b\tc", "a b c"),
            ("\u{FEFF}Ada\u{200B}", "Ada"),
            ("👩‍🚀 Ada", "👩‍🚀 Ada"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(clean_name(name), expected, "{name:?}");
            assert_eq!(clean_text(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(clean_name(&"ü".repeat(240)), "ü".repeat(80));
        assert_eq!(clean_name(&format!("{} b", "a".repeat(79))), "a".repeat(79), "no space at the end");
    }

    proptest! {
        #[test]
        fn what_is_left_is_one_line_of_bounded_length(name in "\\PC*|[\\x00-\\x9f\u{2000}-\u{2070} aü]{0,200}") {
            let clean = clean_name(&name);
            prop_assert!(clean.chars().count() <= LONGEST);
            prop_assert!(clean.chars().all(|letter| is_shown(letter) && (letter == ' ' || !letter.is_whitespace())));
            prop_assert_eq!(clean.trim(), clean.as_str());
            prop_assert_eq!(clean_name(&clean), clean.clone(), "once is enough");
        }

        #[test]
        fn letters_stay_in_their_order(name in "[a-zA-ZäöüßéñА-я]{0,80}") {
            prop_assert_eq!(clean_name(&name), name);
        }
    }
}
