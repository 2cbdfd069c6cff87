//! `replay decode`: lines of hex or of vectors in, one line of JSON each out.
//!
//! A bad line gives a line of output and does not stop the command: the exit code shows whether there was one.
//! Memory use is one line and two buffers; output is flushed before each wait for input, so that it works in a live
//! pipe.

mod hex;
pub(crate) mod line;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use explain::Explainer;

use line::{Format, LineDecoder};

/// Size of reads and writes.
const BUFFER_BYTES: usize = 128 * 1024;

/// Decode frames: one line in, one JSON object out.
///
/// A line is the hex of a frame. A line that cannot be decoded is printed as {"error", "error_class"}; the
/// exit code is 1 if there was any such line, 64 for bad usage.
#[derive(Args, Clone, Debug, Default)]
pub struct DecodeArgs {
    /// Files to read, one after the other; `-`, or no file, is standard input.
    pub files: Vec<PathBuf>,

    /// Lines are complete base-station messages in hex: 8 bytes of time, RSSI and SNR, then the frame.
    #[arg(long, conflicts_with = "vectors")]
    pub wrapped: bool,

    /// Lines are JSON objects with `frame_hex` or `mqtt_hex`, and `psk_hex` if there is a key.
    #[arg(long)]
    pub vectors: bool,

    /// Verify signatures with this key, in hex; a vector's own key has priority.
    #[arg(long, value_name = "HEX", value_parser = parse_key)]
    pub psk: Option<Key>,

    /// Print every byte with its field and meaning instead of JSON.
    #[arg(long)]
    pub explain: bool,

    /// Whether to use colour in explanations.
    #[arg(long, value_enum, default_value_t = Colour::Auto, requires = "explain")]
    pub color: Colour,
}

/// A pre-shared key.
#[derive(Clone, Debug, Default)]
pub struct Key(pub Vec<u8>);

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn parse_key(text: &str) -> Result<Key, String> {
    let mut key = Vec::new();
    hex::decode(text.as_bytes(), &mut key).map_err(|_| "expected an even number of hex digits".to_owned())?;
    Ok(Key(key))
}

impl DecodeArgs {
    fn format(&self) -> Format {
        match (self.wrapped, self.vectors) {
            (_, true) => Format::Vectors,
            (true, false) => Format::Wrapped,
            (false, false) => Format::Frame,
        }
    }

    fn colour(&self) -> bool {
        match self.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }
}

/// Decodes all inputs; the exit code is a failure if any line was bad or any file unreadable.
///
/// # Errors
/// Standard output fails for another reason than a closed pipe.
pub fn run(args: &DecodeArgs) -> anyhow::Result<ExitCode> {
    let key = args.psk.as_ref().map(|key| key.0.as_slice());
    let decoder = LineDecoder::new(args.format(), key);
    let explainer = args.explain.then(|| Explainer::new(args.colour()));
    let out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    let mut session = Session { decoder, explainer, out, any_bad: false };
    match session.all(&args.files) {
        // The reader has closed the output.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        other => other?,
    }
    Ok(if session.any_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// One run over all inputs.
struct Session<'k, W: Write> {
    decoder: LineDecoder<'k>,
    explainer: Option<Explainer>,
    out: W,
    any_bad: bool,
}

impl<W: Write> Session<'_, W> {
    /// Reads every input in turn; an unreadable one is reported and skipped.
    fn all(&mut self, files: &[PathBuf]) -> io::Result<()> {
        if files.is_empty() {
            self.input(BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock()), Path::new("-"))?;
        }
        for path in files {
            if path.as_os_str() == "-" {
                self.input(BufReader::with_capacity(BUFFER_BYTES, io::stdin().lock()), path)?;
                continue;
            }
            match File::open(path) {
                Ok(file) => self.input(BufReader::with_capacity(BUFFER_BYTES, file), path)?,
                Err(error) => self.unreadable(path, &error),
            }
        }
        self.out.flush()
    }

    fn input<R: io::Read>(&mut self, mut input: BufReader<R>, path: &Path) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            if input.buffer().is_empty() {
                self.out.flush()?;
            }
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => return Ok(()),
                Ok(_) => self.line(line.trim_ascii())?,
                Err(error) => {
                    self.unreadable(path, &error);
                    return Ok(());
                }
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let read = self.decoder.read(line);
        let decoded = read.and_then(|()| self.decoder.report());
        self.any_bad |= decoded.is_err();
        match &self.explainer {
            None => line::write_json(&decoded, &mut self.out),
            Some(explainer) => {
                let text = line::explained(explainer, &self.decoder.parts(), &decoded);
                self.out.write_all(text.as_bytes())
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        eprintln!("replay: cannot read {}: {error}", path.display());
        self.any_bad = true;
    }
}

#[cfg(test)]
mod tests;
