//! aho-corasick on the records of $CKF_BENCH_CORPUS, a call each, by one thread.

use crate::Task;
use aho_corasick::AhoCorasickBuilder;
use std::time::Instant;

fn lines_of(name: &str) -> Vec<Vec<u8>> {
    let folder = std::env::var("CKF_BENCH_CORPUS").expect("CKF_BENCH_CORPUS names no folder");
    let text = std::fs::read(format!("{}/{}", folder, name)).expect("the corpus cannot be read");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| line.to_vec()).collect()
}

pub fn run(task: &Task) {
    let patterns = lines_of("patterns");
    let records = lines_of("records");
    // What the documentation advises where the patterns are not known: it picks the automaton.
    let matcher = AhoCorasickBuilder::new().auto_configure(&patterns).build(&patterns);
    let count = |work: usize| -> usize {
        (0..work).filter(|i| matcher.is_match(&records[i % records.len()])).count()
    };
    let work = task.work as usize;
    count(work / 4);
    let start = Instant::now();
    let matched = count(work);
    println!("ns {} count {}", start.elapsed().as_nanos(), matched);
}
