//! peers-rust PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK
//!
//! One run of a contestant of ckf-bench-peers: warms up, does the work, prints one line of names and
//! numbers. bench/harness/program.c has the other end of it.

mod channel;
mod substrings;

use std::process::exit;
use std::time::Duration;

/// What the harness asks for.
pub struct Task {
    pub script: String,
    pub copies: [usize; 2],
    pub parameter: usize,
    pub work: u64,
}

fn number(arguments: &[String], at: usize) -> u64 {
    arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        eprintln!("peers-rust: argument {} is no number", at);
        exit(2)
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.len() != 8 {
        eprintln!("usage: peers-rust PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK");
        exit(2);
    }
    // Nobody waits for a run that hangs.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(50));
        exit(3)
    });
    let task = Task {
        script: arguments[2].clone(),
        copies: [number(&arguments, 3) as usize, number(&arguments, 4) as usize],
        parameter: number(&arguments, 5) as usize,
        work: number(&arguments, 7),
    };
    match arguments[1].as_str() {
        "crossbeam" => channel::run(&task),
        "aho-corasick" => substrings::run(&task),
        peer => {
            eprintln!("peers-rust: no peer {}", peer);
            exit(2)
        }
    }
}
