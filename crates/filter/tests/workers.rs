//! The pool against real processes: this very program, started as spawner and as worker, whose work
//! is to do what the request says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop where it stands"
)]

use filter::worker::{ANSWER_MAX, Fault, Options, Pool, REQUEST_MAX, Spawner, inside, spawner};
use net::Clock;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Body, Store};

const MESSAGE_MAX: u64 = 36_700_160;

/// What the worker of these tests does.
fn work(request: &[u8], message: Vec<u8>) -> Vec<u8> {
    match request {
        b"count" => message.iter().map(|byte| u64::from(*byte)).sum::<u64>().to_string().into(),
        b"burn" => loop {
            black_box((0..10_000_u64).sum::<u64>());
        },
        b"fill" => vec![1; message.len() + (80 << 20)],
        b"panic" => panic!("on purpose"),
        // Longer than any answer, within the worker's memory.
        b"long" => vec![0; usize::try_from(ANSWER_MAX).unwrap() + 1],
        other => other.to_vec(),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(spawner::WORKER) => return inside::serve(arguments[2].parse().unwrap(), work),
        Some(spawner::SPAWNER) => return spawner::serve(),
        _ => {}
    }
    // Before there are threads.
    let launched = Spawner::launch().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let options = Options { count: 2, message_max: MESSAGE_MAX };
    runtime.block_on(async {
        let pool = Arc::new(Pool::new(launched, options));
        all(&pool, "spawner").await;
        the_spawner_dies(&pool).await;
        all(&Arc::new(Pool::direct(options)), "direct").await;
    });
    println!("workers: all well");
    ExitCode::SUCCESS
}

async fn all(pool: &Arc<Pool>, which: &str) {
    pool.prepare().await;
    let state = pool.state();
    assert!(state.proof.contains("file: EPERM, socket: EPERM"), "{which}: {state:?}");
    assert_eq!((state.started, state.idle, state.busy), (1, 1, 0), "{which}");
    answers(pool).await;
    large_messages(pool).await;
    limits(pool).await;
    a_killed_worker_costs_one_job(pool).await;
    giving_up_kills(pool).await;
    many_at_once(pool).await;
    pace(pool, which).await;
}

fn body(bytes: &[u8]) -> Body {
    Body::from_bytes(bytes.to_vec()).unwrap()
}

async fn answers(pool: &Pool) {
    for (message, sum) in [(&b""[..], "0"), (b"\x01\x02", "3"), (&[1; 200_000], "200000")] {
        assert_eq!(pool.ask(&body(message), b"count").await.unwrap(), sum.as_bytes());
    }
    assert_eq!(pool.state().started, 1, "one worker serves one after the other");
    let too_long = pool.ask(&body(b""), &vec![0; REQUEST_MAX + 1]).await;
    assert!(matches!(too_long, Err(Fault::Crashed(_))));
}

/// Bodies that are files, up to the longest.
async fn large_messages(pool: &Pool) {
    let folder = tempfile::tempdir().unwrap();
    let database = store::sqlite::Sqlite::open(folder.path()).unwrap();
    let store = Store::open(database, folder.path(), Clock::system(), "node").await.unwrap();
    for size in [1 << 20, MESSAGE_MAX] {
        let mut incoming = store.incoming();
        let piece = vec![1; 64 * 1024];
        while incoming.len() < size {
            let rest = usize::try_from(size - incoming.len()).unwrap().min(piece.len());
            incoming.write(&piece[..rest]).await.unwrap();
        }
        let body = incoming.seal().await.unwrap();
        assert_eq!(pool.ask(&body, b"count").await.unwrap(), size.to_string().into_bytes());
    }
    store.close().await;
}

async fn limits(pool: &Pool) {
    let before = pool.state();
    for (request, expected) in [
        ("fill", Fault::TooComplex("memory")),
        ("burn", Fault::TooComplex("cpu")),
        ("long", Fault::TooComplex("answer")),
    ] {
        let began = Instant::now();
        let found = pool.ask(&body(b"x"), request.as_bytes()).await;
        assert_eq!(found, Err(expected), "{request}");
        assert!(began.elapsed() < Duration::from_secs(20), "{request}");
    }
    let Err(Fault::Crashed(text)) = pool.ask(&body(b"x"), b"panic").await else {
        panic!("a panic is a crash");
    };
    assert!(text.contains("exit code 101") && text.contains("on purpose"), "{text}");
    let after = pool.state();
    assert_eq!(after.too_complex - before.too_complex, 3);
    assert_eq!(after.crashed - before.crashed, 1);
    assert_eq!(pool.ask(&body(b"\x05"), b"count").await.unwrap(), b"5");
}

/// The workers of this test, children of `parent`.
fn workers_of(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else { continue };
        let read = |name| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let is_worker = read("cmdline").split('\0').nth(1) == Some(spawner::WORKER);
        let stat = read("stat");
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let of = after_name.split_whitespace().nth(1).and_then(|of| of.parse::<u32>().ok());
        if is_worker && of.is_some_and(|of| of == parent) && !after_name.starts_with(" Z") {
            found.push(pid);
        }
    }
    found
}

fn spawner_pid() -> Option<u32> {
    let own = std::process::id();
    let list = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
    let is_spawner = |pid: &&str| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split('\0').nth(1) == Some(spawner::SPAWNER)
    };
    list.split_whitespace().find(is_spawner).map(|pid| pid.parse().unwrap())
}

fn workers() -> Vec<u32> {
    let mut all = workers_of(std::process::id());
    all.extend(spawner_pid().map(workers_of).unwrap_or_default());
    all
}

fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}

async fn a_killed_worker_costs_one_job(pool: &Arc<Pool>) {
    let asking = {
        let pool = Arc::clone(pool);
        tokio::spawn(async move { pool.ask(&body(b"x"), b"burn").await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(pool.state().busy, 1);
    workers().into_iter().for_each(kill);
    let found = asking.await.unwrap();
    assert_eq!(found, Err(Fault::Crashed("SIGKILL".to_owned())));
    // Those without a job are gone too, and nobody notices.
    for _ in 0..10 {
        assert_eq!(pool.ask(&body(b"\x05"), b"count").await.unwrap(), b"5");
    }
    // Signals that a terminal or systemd sends to all are not for workers.
    for pid in workers() {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    }
    let started = pool.state().started;
    assert_eq!(pool.ask(&body(b"\x05"), b"count").await.unwrap(), b"5");
    assert_eq!(pool.state().started, started);
}

async fn giving_up_kills(pool: &Arc<Pool>) {
    let began = Instant::now();
    let given_up =
        tokio::time::timeout(Duration::from_millis(200), pool.ask(&body(b"x"), b"burn")).await;
    assert!(given_up.is_err());
    let idle = pool.state().idle;
    while workers().len() > idle {
        assert!(began.elapsed() < Duration::from_millis(900), "it went on to its CPU limit");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// More jobs than workers wait for their turn; more than may wait are told so at once.
async fn many_at_once(pool: &Arc<Pool>) {
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let pool = Arc::clone(pool);
            tokio::spawn(async move { pool.ask(&body(&[1; 1000]), b"count").await })
        })
        .collect();
    let mut busy = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(answer) => assert_eq!(answer, b"1000"),
            Err(Fault::Busy) => busy += 1,
            Err(fault) => panic!("{fault}"),
        }
    }
    assert!(busy <= 70, "{busy}");
    assert!(pool.state().idle <= 2 && pool.state().busy == 0);
}

/// For people: what a round trip takes.
async fn pace(pool: &Pool, which: &str) {
    let message = body(&[1; 10 * 1024]);
    let began = Instant::now();
    for _ in 0..2_000 {
        pool.ask(&message, b"x").await.unwrap();
    }
    let each = began.elapsed() / 2_000;
    let resident = workers().first().map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default().to_owned()
    });
    println!("{which}: a round trip of 10 KiB takes {each:?}, a worker has {resident:?}");
}

/// Workers that live go on; there are no new ones.
async fn the_spawner_dies(pool: &Arc<Pool>) {
    kill(spawner_pid().unwrap());
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut faults = 0;
    for _ in 0..4 {
        match pool.ask(&body(b"x"), b"panic").await {
            Err(Fault::Crashed(text)) => faults += usize::from(text.contains("spawner")),
            other => panic!("{other:?}"),
        }
    }
    assert!(faults >= 2, "{faults}");
}
