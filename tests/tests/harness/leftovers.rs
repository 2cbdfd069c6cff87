//! No process of the harness outlives the process that started it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::wait_until;

/// Starts a process that owns a stack; returns its addresses by variable. `slot`: the part of the ports that it takes, which
/// `tests/run.py` gives to no test.
fn holder(slot: u16) -> Result<(Child, HashMap<String, String>)> {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_stack"));
    holder.env("UPDRAFT_TEST_SLOT", slot.to_string());
    for kind in harness::ServiceKind::ALL {
        holder.env_remove(kind.variable());
    }
    let mut holder = holder.stdout(Stdio::piped()).spawn()?;
    let stdout = holder.stdout.take().context("stdout is piped")?;
    let mut addresses = HashMap::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        if line.starts_with('#') {
            return Ok((holder, addresses));
        }
        let (name, value) = line.trim_start_matches("export ").split_once('=').context("an export line")?;
        addresses.insert(name.to_owned(), value.to_owned());
    }
    anyhow::bail!("the stack did not start: {:?}", holder.wait()?)
}

fn port(address: &str) -> u16 {
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    address.rsplit(':').next().map(digits).and_then(|port| port.parse().ok()).expect("an address with a port")
}

/// All descendants of the process `pid`.
fn descendants(pid: u32) -> Vec<u32> {
    let children = |pid: u32| -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
    };
    let direct = children(pid);
    direct.iter().flat_map(|child| descendants(*child)).chain(direct.iter().copied()).collect()
}

fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has released its resources.
    !status.is_empty() && !status.contains(") Z ")
}

async fn all_end(mut holder: Child, addresses: HashMap<String, String>, end: &str) -> Result<()> {
    let processes = descendants(holder.id());
    ensure!(processes.len() >= 10, "expected five services and their shells, found {} processes", processes.len());
    let ports: Vec<u16> = addresses.values().map(|address| port(address)).collect();
    ensure!(ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()), "a service does not answer");
    let directories: Vec<_> = processes.iter().filter_map(|pid| temporary_directory(*pid)).collect();
    ensure!(!directories.is_empty(), "no directory of a service found");

    Command::new("kill").args([end, &holder.id().to_string()]).status()?;
    holder.wait()?;

    let deadline = Duration::from_secs(20);
    wait_until(deadline, "all processes to end", async || (!processes.iter().any(|pid| is_alive(*pid))).then_some(()))
        .await?;
    let open = ports.iter().find(|port| TcpStream::connect(("127.0.0.1", **port)).is_ok());
    ensure!(open.is_none(), "port {open:?} still answers");
    let removed = async || (!directories.iter().any(|dir| Path::new(dir).exists())).then_some(());
    wait_until(deadline, "temporary data to be removed", removed).await
}

/// The directory that the janitor process of a holder removes.
fn temporary_directory(pid: u32) -> Option<String> {
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = command.split('\0');
    arguments.any(|argument| argument == "janitor").then(|| arguments.next().map(str::to_owned)).flatten()
}

#[tokio::test]
async fn kill_9_of_the_holder_ends_all_services() -> Result<()> {
    let (holder, addresses) = holder(6)?;
    all_end(holder, addresses, "-KILL").await
}

#[tokio::test]
async fn a_terminated_stack_leaves_nothing() -> Result<()> {
    let (holder, addresses) = holder(7)?;
    all_end(holder, addresses, "-TERM").await
}
