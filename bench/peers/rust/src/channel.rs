//! crossbeam-channel: threads that send and receive, closed by dropping the last sender.

use crate::Task;
use crossbeam_channel::{bounded, select, unbounded, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const SENDER_SHIFT: u32 = 48;
const MAX_SENDERS: usize = 16;
const WARM_UP: u64 = 20_000;
const ASLEEP: Duration = Duration::from_micros(300);

#[derive(Default, Clone, Copy)]
struct Tally {
    count: u64,
    sum: u64,
    squares: u64,
    disorder: u64,
}

impl Tally {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(value);
        self.squares = self.squares.wrapping_add(value.wrapping_mul(value));
    }

    fn add_in_order(&mut self, next: &mut [u64; MAX_SENDERS], value: u64) {
        let expected = &mut next[(value >> SENDER_SHIFT) as usize & (MAX_SENDERS - 1)];
        self.disorder += (value < *expected) as u64;
        *expected = value + 1;
        self.add(value);
    }

    fn merge(&mut self, other: &Tally) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = self.squares.wrapping_add(other.squares);
        self.disorder += other.disorder;
    }
}

/// When a thread began and ended, and what it received.
type Share = (Instant, Instant, Tally);

struct Outcome {
    took: Duration,
    received: Tally,
    value: Option<f64>,
}

/// What travels: a word, or 64 bytes of which the first says it all.
trait Element: Send + 'static {
    fn make(value: u64) -> Self;
    fn value(&self) -> u64;
}

impl Element for u64 {
    fn make(value: u64) -> u64 {
        value
    }
    fn value(&self) -> u64 {
        *self
    }
}

impl Element for [u64; 8] {
    fn make(value: u64) -> [u64; 8] {
        [value, 0, 0, 0, 0, 0, 0, !value]
    }
    fn value(&self) -> u64 {
        assert_eq!(self[7], !self[0]);
        self[0]
    }
}

fn make<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    if capacity == usize::MAX {
        unbounded()
    } else {
        bounded(capacity)
    }
}

fn gather(threads: Vec<thread::JoinHandle<Share>>) -> Outcome {
    let shares: Vec<Share> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    let start = shares.iter().map(|share| share.0).min().unwrap();
    let end = shares.iter().map(|share| share.1).max().unwrap();
    let mut received = Tally::default();
    for share in &shares {
        received.merge(&share.2);
    }
    Outcome { took: end - start, received, value: None }
}

fn flow<T: Element>(task: &Task, work: u64) -> Outcome {
    let (sender, receiver) = make::<T>(task.parameter);
    let [producers, consumers] = task.copies;
    let start_line = Arc::new(Barrier::new(producers + consumers));
    let mut threads = Vec::new();
    for producer in 0..producers as u64 {
        let (sender, start_line) = (sender.clone(), start_line.clone());
        let share = work / producers as u64 + (producer < work % producers as u64) as u64;
        threads.push(thread::spawn(move || {
            start_line.wait();
            let start = Instant::now();
            let first = producer << SENDER_SHIFT;
            for value in first..first + share {
                sender.send(T::make(value)).unwrap();
            }
            drop(sender);
            (start, Instant::now(), Tally::default())
        }));
    }
    drop(sender);
    for _ in 0..consumers {
        let (receiver, start_line) = (receiver.clone(), start_line.clone());
        threads.push(thread::spawn(move || {
            let mut tally = Tally::default();
            let mut next = [0; MAX_SENDERS];
            start_line.wait();
            let start = Instant::now();
            while let Ok(element) = receiver.recv() {
                tally.add_in_order(&mut next, element.value());
            }
            (start, Instant::now(), tally)
        }));
    }
    drop(receiver);
    gather(threads)
}

fn pairs(task: &Task, work: u64) -> Outcome {
    let (sender, receiver) = make::<u64>(task.parameter);
    let mut received = Tally::default();
    let start = Instant::now();
    for value in 0..work {
        sender.send(value).unwrap();
        received.add(receiver.recv().unwrap());
    }
    Outcome { took: start.elapsed(), received, value: None }
}

fn ping(task: &Task, work: u64) -> Outcome {
    let (there, from_there) = make::<u64>(task.parameter);
    let (back, from_back) = make::<u64>(task.parameter);
    let echo = thread::spawn(move || {
        while let Ok(value) = from_there.recv() {
            back.send(value).unwrap();
        }
    });
    let mut received = Tally::default();
    let start = Instant::now();
    for value in 0..work {
        there.send(value).unwrap();
        received.add(from_back.recv().unwrap());
    }
    let took = start.elapsed();
    drop(there);
    echo.join().unwrap();
    Outcome { took, received, value: None }
}

fn let_sleep() {
    let start = Instant::now();
    while start.elapsed() < ASLEEP {}
}

/// Each hand-over is timed from just before the send to just after the receive.
fn ping_asleep(task: &Task, work: u64) -> Outcome {
    let (there, from_there) = make::<(u64, Instant)>(task.parameter);
    let (back, from_back) = make::<(u64, Instant, Duration)>(task.parameter);
    let echo = thread::spawn(move || {
        while let Ok((value, sent)) = from_there.recv() {
            let took = sent.elapsed();
            let_sleep();
            back.send((value, Instant::now(), took)).unwrap();
        }
    });
    let mut received = Tally::default();
    let mut total = Duration::ZERO;
    let start = Instant::now();
    for value in 0..work {
        let_sleep();
        there.send((value, Instant::now())).unwrap();
        let (value, sent, took) = from_back.recv().unwrap();
        total += sent.elapsed() + took;
        received.add(value);
    }
    let took = start.elapsed();
    drop(there);
    echo.join().unwrap();
    let value = total.as_nanos() as f64 / work as f64;
    Outcome { took, received, value: Some(value) }
}

fn select_of_eight(task: &Task, work: u64) -> Outcome {
    let ends: Vec<_> = (0..8).map(|_| make::<u64>(task.parameter)).collect();
    let (senders, receivers): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
    // A channel without senders would be ready for ever.
    let _open = senders.clone();
    let start_line = Arc::new(Barrier::new(2));
    let producer_start = start_line.clone();
    let producer = thread::spawn(move || {
        producer_start.wait();
        let start = Instant::now();
        for value in 0..work {
            senders[value as usize % 8].send(value).unwrap();
        }
        let end = Instant::now();
        (start, end, Tally::default())
    });
    let consumer = thread::spawn(move || {
        let mut tally = Tally::default();
        let r = &receivers;
        start_line.wait();
        let start = Instant::now();
        for _ in 0..work {
            let value = select! {
                recv(r[0]) -> value => value,
                recv(r[1]) -> value => value,
                recv(r[2]) -> value => value,
                recv(r[3]) -> value => value,
                recv(r[4]) -> value => value,
                recv(r[5]) -> value => value,
                recv(r[6]) -> value => value,
                recv(r[7]) -> value => value,
            };
            tally.add(value.unwrap());
        }
        (start, Instant::now(), tally)
    });
    gather(vec![producer, consumer])
}

/// CPU time of the calling thread; the first number of schedstat is nanoseconds.
fn thread_cpu_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN)
}

fn blocked(task: &Task) -> Outcome {
    let (sender, receiver) = make::<u64>(task.parameter);
    let waiter = thread::spawn(move || {
        let before = thread_cpu_ns();
        let value = receiver.recv().unwrap();
        (value, (thread_cpu_ns() - before) / 1e3)
    });
    let start = Instant::now();
    thread::sleep(Duration::from_secs(1));
    sender.send(1).unwrap();
    let (value, cpu_us) = waiter.join().unwrap();
    let mut received = Tally::default();
    received.add(value);
    Outcome { took: start.elapsed(), received, value: Some(cpu_us) }
}

fn once(task: &Task, work: u64) -> Outcome {
    match task.script.as_str() {
        "flow" => flow::<u64>(task, work),
        "wide" => flow::<[u64; 8]>(task, work),
        "pairs" => pairs(task, work),
        "ping" => ping(task, work),
        "ping-asleep" => ping_asleep(task, work),
        "select" => select_of_eight(task, work),
        "blocked" => blocked(task),
        script => {
            eprintln!("peers-rust: no script {}", script);
            std::process::exit(2)
        }
    }
}

pub fn run(task: &Task) {
    if task.work > 100 {
        once(task, WARM_UP.min(task.work));
    }
    let Outcome { took, received, value } = once(task, task.work);
    print!(
        "ns {} count {} sum {} squares {} disorder {}",
        took.as_nanos(),
        received.count,
        received.sum,
        received.squares,
        received.disorder
    );
    if let Some(value) = value {
        print!(" value {}", value);
    }
    println!();
}
