//! Runs the crate `ironflow` under the load of the benchmarks: callers that each send one input after the other to instances
//! picked at random.
//!
//!     crate-load fill URL INSTANCES
//!     crate-load run URL INSTANCES POOL CALLERS WARM_UP_MS WINDOW_MS
//!
//! `fill` leads every instance to its first event. `run` prints one line of JSON. The tables must be there.

mod tally;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ironflow::{ExecuteOutcome, PgStore, WorkflowRuntime, WorkflowService, WorkflowServiceConfig};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use tally::{Input, Nothing, Tally};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Service = Arc<WorkflowService<PgStore>>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |i: usize| arguments.get(i).ok_or(format!("argument {} is missing", i + 1));
    let number = |i: usize| -> Result<u64, Failure> { Ok(text(i)?.parse()?) };
    let (command, url, instances) = (text(0)?, text(1)?, number(2)?);
    match command.as_str() {
        "fill" => fill(connect(url, 10).await?, instances as usize).await,
        "run" => {
            let service = connect(url, number(3)? as u32).await?;
            let (warm_up, window) = (Duration::from_millis(number(5)?), Duration::from_millis(number(6)?));
            run(service, instances, number(4)? as usize, warm_up, window).await
        }
        other => Err(format!("unknown command {other}").into()),
    }
}

/// Opens the crate's service on a pool whose connections stay open. Statements are not logged, and a connection is not asked
/// whether it is alive before each use, which would be one more round trip.
async fn connect(url: &str, connections: u32) -> Result<Service, Failure> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    let pool = PgPoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    let service = WorkflowRuntime::builder(PgStore::new(pool), WorkflowServiceConfig::default())
        .register(Nothing)
        .build_service()?;
    Ok(Arc::new(service))
}

async fn add(service: &Service, id: u64, n: u64) -> Result<(), Failure> {
    let input = Input::Add {
        id: format!("tally-{id}"),
        amount: n as i64,
        note: "a note of the usual length".into(),
        remind: n % 5 == 0,
    };
    match service.execute::<Tally>(&input).await? {
        ExecuteOutcome::Accepted { .. } => Ok(()),
        other => Err(format!("{input:?}: {other:?}").into()),
    }
}

async fn fill(service: Service, instances: usize) -> Result<(), Failure> {
    let next = Arc::new(AtomicUsize::new(1));
    let callers: Vec<_> = (0..64)
        .map(|_| {
            let (service, next) = (service.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    if id > instances {
                        return Ok::<_, Failure>(());
                    }
                    add(&service, id as u64, 1).await?;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

/// Counts the calls that both end within the window.
async fn run(service: Service, instances: u64, callers: usize, warm_up: Duration, window: Duration) -> Result<(), Failure> {
    let from = Instant::now() + warm_up;
    let to = from + window;
    let calling: Vec<_> = (0..callers)
        .map(|caller| {
            let service = service.clone();
            tokio::spawn(async move {
                let mut random = Random(caller as u64 + 1);
                let mut took = Vec::with_capacity(1024);
                let mut n = caller as u64;
                let mut begin = Instant::now();
                while begin < to {
                    add(&service, random.next() % instances + 1, n).await?;
                    let end = Instant::now();
                    if end > from && end < to {
                        took.push(end - begin);
                    }
                    begin = end;
                    n += 1;
                }
                Ok::<_, Failure>(took)
            })
        })
        .collect();
    tokio::time::sleep_until(from.into()).await;
    let before = processor_time();
    tokio::time::sleep_until(to.into()).await;
    let used = processor_time() - before;
    let mut took = Vec::new();
    for caller in calling {
        took.extend(caller.await??);
    }
    took.sort();
    let percentile = |p: usize| took.get((took.len() * p).div_ceil(100).max(1) - 1).map_or(0.0, |d| d.as_secs_f64() * 1e3);
    println!(
        r#"{{"decisions": {}, "p50_ms": {}, "p99_ms": {}, "client_us": {}}}"#,
        took.len(),
        percentile(50),
        percentile(99),
        used.as_secs_f64() * 1e6 / took.len().max(1) as f64
    );
    Ok(())
}

/// The time that processors have worked for this process; zero where /proc is not known. The process's name has no spaces.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat.split(' ').skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
