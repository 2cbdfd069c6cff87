//! Values that are never shown, and the files they come from.

use std::any::TypeId;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use clap::Arg;
use clap::builder::{MapValueParser, StringValueParser, TypedValueParser as _, ValueParserFactory};

/// Stands before the path and before the value of a setting that comes from a file. No argument and no variable of a
/// process can hold it, so a value that contains it was written by [`with_file`].
const MARK: char = '\0';

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted {
    value: String,
    file: Option<Arc<Path>>,
}

impl Redacted {
    /// The value that a file has, and will have.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn from_file(file: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        Ok(Self { value: file_value(&text).to_owned(), file: Some(file.into()) })
    }

    /// The text of a setting, by [`with_file`] or plain.
    fn of_setting(text: String) -> Self {
        match without_file(&text) {
            (None, _) => text.into(),
            (Some(file), value) => Self { value: value.to_owned(), file: Some(Path::new(file).into()) },
        }
    }

    /// The value as it was at the start of the program.
    pub fn reveal(&self) -> &str {
        &self.value
    }

    /// The value as its file has it now, for a new connection: a password is changed without a restart. The value of the
    /// start where it came from no file, or where the file is empty or cannot be read, as happens while it is replaced.
    pub fn current(&self) -> Self {
        let text = self.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok());
        match text.as_deref().map(file_value) {
            None | Some("") => self.clone(),
            Some(value) => Self { value: value.to_owned(), file: self.file.clone() },
        }
    }

    /// Whether [`Self::current`] can change.
    pub fn is_from_file(&self) -> bool {
        self.file.is_some()
    }
}

impl From<String> for Redacted {
    fn from(value: String) -> Self {
        Self { value, file: None }
    }
}

impl From<&str> for Redacted {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

/// A setting, and the file it comes from.
impl ValueParserFactory for Redacted {
    type Parser = MapValueParser<StringValueParser, fn(String) -> Self>;

    fn value_parser() -> Self::Parser {
        StringValueParser::new().map(Self::of_setting)
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The value in the text of a file: without the line end of its last line.
pub(super) fn file_value(text: &str) -> &str {
    text.trim_end_matches(['\r', '\n'])
}

/// The text of a setting that is read again from its file; the plain value for settings of other types.
pub(super) fn with_file(arg: &Arg, file: &Path, value: &str) -> String {
    let is_redacted = arg.get_value_parser().type_id() == TypeId::of::<Redacted>();
    match file.to_str().filter(|_| is_redacted) {
        Some(path) => format!("{MARK}{path}{MARK}{value}"),
        None => value.to_owned(),
    }
}

/// The file and the value of such a text.
pub(super) fn without_file(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix(MARK).and_then(|text| text.split_once(MARK)) {
        Some((file, value)) => (Some(file), value),
        None => (None, text),
    }
}
