//! What the kernel does to a locked process. Each case starts this very program, which locks itself
//! down and then misbehaves in one way.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use sandbox::{End, Nursery, lock};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const MESSAGE_MAX: u64 = 32 << 20;
/// Longer than any limit of a locked process.
const DEADLINE: Duration = Duration::from_secs(30);

/// A locked process that does what its argument says.
fn inside(what: &str) {
    let mut locked = lock(MESSAGE_MAX).unwrap();
    locked.allow(0).unwrap();
    let says = |text: &str| {
        let mut out = std::io::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap();
    };
    match what {
        "--version" => says("another process was started"),
        "proof" => says(&format!("{} {}", locked.proof.holds(), locked.proof)),
        "honest" => says(&format!("{}", fill(60 << 20))),
        "greedy" => says(&format!("{}", fill(66 << 20))),
        "greedy in pieces" => {
            let pieces: Vec<Vec<u8>> = (0..2000).map(|_| vec![1; 40 << 10]).collect();
            says(&format!("{}", pieces.len()));
        }
        // For a message of 20 MiB there is that much more.
        "message" => {
            locked.allow(20 << 20).unwrap();
            says(&format!("{}", fill(80 << 20)));
        }
        "above the hard limit" => {
            let soft = setrlimit(Resource::RLIMIT_DATA, 1 << 30, 1 << 30);
            says(&format!("{soft:?}"));
        }
        "again" => {
            for _ in 0..20 {
                locked.allow(0).unwrap();
                burn(Duration::from_millis(200));
            }
            says("done");
        }
        "busy" => burn(Duration::from_secs(20)),
        "open" => says(&format!("{:?}", File::open("/etc/passwd").map_err(|e| e.kind()))),
        "write" => says(&format!("{:?}", File::create("/tmp/x").map_err(|e| e.kind()))),
        "thread" => {
            let thread = std::thread::Builder::new().spawn(|| ());
            says(&format!("{:?}", thread.map(|_| ()).map_err(|e| e.kind())));
        }
        "kill" => says(&format!("{:?}", kill(nix::unistd::getppid(), Signal::SIGKILL))),
        "listen" => drop(nix::sys::socket::listen(&std::io::stdin(), backlog())),
        "dup" => says(&format!("{:?}", nix::unistd::dup(std::io::stdin()))),
        "panic" => panic!("on purpose"),
        "abort" => std::process::abort(),
        "deep" => says(&format!("{}", deep(1))),
        "wait" => says(&format!("{}", std::io::stdin().read(&mut [0]).unwrap())),
        other => panic!("nobody asked for {other}"),
    }
}

fn backlog() -> nix::sys::socket::Backlog {
    nix::sys::socket::Backlog::new(1).unwrap()
}

fn fill(size: usize) -> usize {
    std::hint::black_box(vec![1_u8; size]).len()
}

fn burn(cpu: Duration) {
    let used = || {
        Duration::from(
            nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap(),
        )
    };
    let until = used() + cpu;
    while used() < until {
        std::hint::black_box((0..10_000_u64).sum::<u64>());
    }
}

fn deep(n: u64) -> u64 {
    let held = std::hint::black_box([n; 512]);
    if n == 0 { 0 } else { deep(n + 1) + held.iter().sum::<u64>() }
}

/// Runs a case; how it ended, what it said, and what it complained of.
fn outside(nursery: &Arc<Nursery>, what: &str) -> (End, String, String) {
    let (sender, ended) = mpsc::channel();
    let started = nursery.start(1, &[what], move |end| sender.send(end).unwrap()).unwrap();
    drop(started.input);
    let end = ended.recv_timeout(DEADLINE).unwrap();
    let all = |fd| {
        let mut text = String::new();
        File::from(fd).read_to_string(&mut text).unwrap();
        text
    };
    (end, all(started.output), all(started.complaints))
}

fn main() {
    if let Some(what) = std::env::args().nth(1).filter(|what| !what.starts_with("--")) {
        // A name of a test, given to `cargo test`, is none of the cases.
        if std::env::var_os("PATH").is_none() {
            return inside(&what);
        }
    }
    let nursery = Arc::new(Nursery::default());
    ends_and_words(&nursery);
    cpu_is_a_second(&nursery);
    killed(&nursery);
    println!("locked: all well");
}

fn ends_and_words(nursery: &Arc<Nursery>) {
    let [sys, abort, cpu] = [libc::SIGSYS, libc::SIGABRT, libc::SIGXCPU].map(End::Signal);
    let refused = "Err(PermissionDenied)";
    for (what, end, said, complained) in [
        ("proof", End::Exit(0), "true file: EPERM, socket: EPERM, local socket: EPERM", ""),
        ("honest", End::Exit(0), "62914560", ""),
        ("greedy", abort, "", "memory allocation of 69206016 bytes failed"),
        ("greedy in pieces", abort, "", "memory allocation of"),
        ("message", End::Exit(0), "83886080", ""),
        ("above the hard limit", End::Exit(0), "Err(EPERM)", ""),
        ("again", End::Exit(0), "done", ""),
        ("busy", cpu, "", ""),
        ("open", End::Exit(0), refused, ""),
        ("write", End::Exit(0), refused, ""),
        ("thread", End::Exit(0), refused, ""),
        ("kill", sys, "", ""),
        ("listen", sys, "", ""),
        ("dup", sys, "", ""),
        ("panic", End::Exit(101), "", "on purpose"),
        ("abort", abort, "", ""),
        ("deep", abort, "", "overflowed its stack"),
        ("wait", End::Exit(0), "0", ""),
    ] {
        let found = outside(nursery, what);
        println!("{what}: {found:?}");
        assert_eq!(found.0, end, "{what}: {found:?}");
        assert!(found.1.starts_with(said) && found.1.is_empty() == said.is_empty(), "{found:?}");
        assert!(found.2.contains(complained), "{what}: {found:?}");
    }
}

/// Also root's own process is refused more than its limit.
fn cpu_is_a_second(nursery: &Arc<Nursery>) {
    let before = Instant::now();
    let (end, ..) = outside(nursery, "busy");
    assert!(end.is_out_of_cpu() && !end.is_abort(), "{end}");
    assert!(before.elapsed() >= sandbox::CPU_PER_JOB, "killed too early");
}

fn killed(nursery: &Arc<Nursery>) {
    let (sender, ended) = mpsc::channel();
    let started = nursery.start(7, &["wait"], move |end| sender.send(end).unwrap()).unwrap();
    nursery.kill(8);
    assert!(ended.recv_timeout(Duration::from_millis(50)).is_err(), "another one was killed");
    nursery.kill(7);
    assert_eq!(ended.recv_timeout(DEADLINE).unwrap(), End::Signal(libc::SIGKILL));
    nursery.kill(7);
    drop(started);
}
