//! 10,000 calls over a few connections that ping: half of them are cancelled, some have deadlines that expire.
//!
//!     interop-client storm HOST:PORT
//!
//! Prints one JSON line for each check, and exits 1 when one of them found something else than it expects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

const CALLS: usize = 10_000;
const CONNECTIONS: usize = 4;
const AT_ONCE: usize = 500;
const PATIENCE: Duration = Duration::from_secs(30);
const METHOD: &str = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";

/// Of the contract, what is needed here: no compiler of protos is.
#[derive(Clone, PartialEq, prost::Message)]
struct CheckRequest {
    #[prost(string, tag = "1")]
    customer_id: String,
    #[prost(string, tag = "2")]
    feature_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CheckResponse {
    #[prost(bool, tag = "1")]
    has_access: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Kept,
    Cancelled,
    Expired,
}

type Outcomes = Arc<Mutex<BTreeMap<(Kind, String), usize>>>;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, address] = arguments.as_slice() else {
        eprintln!("usage: interop-client storm HOST:PORT");
        std::process::exit(2);
    };
    assert_eq!(mode, "storm");
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address")
            .http2_keep_alive_interval(Duration::from_millis(200))
            .keep_alive_timeout(PATIENCE)
            .keep_alive_while_idle(true);
        channels.push(endpoint.connect().await.expect("a connection"));
    }
    let outcomes = Outcomes::default();
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let turn = turns.clone().acquire_owned().await.expect("a turn");
        let channel = channels[number % CONNECTIONS].clone();
        let outcomes = outcomes.clone();
        calls.spawn(async move {
            let (kind, outcome) = call(channel, number).await;
            *outcomes.lock().unwrap().entry((kind, outcome)).or_default() += 1;
            drop(turn);
        });
    }
    while calls.join_next().await.is_some() {}
    let outcomes = outcomes.lock().unwrap();
    let mut ok = report(&outcomes, "in a storm no call fails that nobody cancelled", Kind::Kept, &["Ok"]);
    ok &= report(&outcomes, "in a storm a cancelled call is cancelled or answered", Kind::Cancelled, &["Ok", "Cancelled"]);
    ok &= report(&outcomes, "in a storm a deadline is met or has passed", Kind::Expired, &["Ok", "Cancelled", "DeadlineExceeded"]);
    std::process::exit(if ok { 0 } else { 1 });
}

async fn call(channel: Channel, number: usize) -> (Kind, String) {
    // A pseudo-random delay: up to 3 ms, in steps that neighbours do not share.
    let delay = Duration::from_micros((number as u64 * 7_919) % 3_000);
    let kind = if number % 2 == 1 {
        Kind::Cancelled
    } else if number % 20 == 0 {
        Kind::Expired
    } else {
        Kind::Kept
    };
    let mut client = Grpc::new(channel);
    if number % 8 == 2 {
        client = client.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    }
    let mut request = Request::new(CheckRequest { customer_id: "acme".into(), feature_id: "sso".into() });
    // Tonic ends such a call itself, by Cancelled, when the time has passed.
    request.set_timeout(if kind == Kind::Expired { delay } else { PATIENCE });
    let answered = async move {
        client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
        client.unary(request, PathAndQuery::from_static(METHOD), ProstCodec::<CheckRequest, CheckResponse>::default()).await
    };
    let outcome = if kind == Kind::Cancelled {
        // Dropping the call resets its stream.
        tokio::time::timeout(delay, answered).await.unwrap_or(Err(Status::new(Code::Cancelled, "dropped")))
    } else {
        answered.await
    };
    let name = match outcome {
        Ok(answer) if answer.get_ref().has_access => "Ok".into(),
        Ok(_) => "denied".into(),
        Err(status) if status.code() == Code::Unknown => format!("Unknown: {}", status.message().replace('"', "'")),
        Err(status) => format!("{:?}", status.code()),
    };
    (kind, name)
}

fn report(outcomes: &BTreeMap<(Kind, String), usize>, check: &str, kind: Kind, allowed: &[&str]) -> bool {
    let others: Vec<String> = outcomes.iter()
        .filter(|((of, outcome), _)| *of == kind && !allowed.contains(&outcome.as_str()))
        .map(|((_, outcome), count)| format!("\"{count} {outcome}\""))
        .collect();
    if others.is_empty() {
        println!("{{\"check\":\"{check}\",\"ok\":true}}");
    } else {
        println!("{{\"check\":\"{check}\",\"ok\":false,\"faults\":[{}]}}", others.join(","));
    }
    others.is_empty()
}
