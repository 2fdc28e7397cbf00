//! The least that a server of gRPC on hyper can do: reads a request to its end and answers bytes that are ready.
//! Its one argument is a file with a line for each path: path, headers as name=value;name=value, message in hexadecimal.

use std::{collections::HashMap, convert::Infallible, rc::Rc};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    header::{HeaderName, HeaderValue},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

struct Answer {
    headers: HeaderMap,
    message: Bytes,
}

#[derive(Clone)]
struct LocalExecutor;

impl<F: Future + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

fn answers() -> HashMap<String, Answer> {
    let file = std::env::args().nth(1).expect("usage: hyper-echo <file of answers>");
    let text = std::fs::read_to_string(file).expect("the file of answers can be read");
    text.lines()
        .map(|line| {
            let mut parts = line.split('\t');
            let [path, headers, message] = [(); 3].map(|()| parts.next().expect("three parts a line"));
            let headers = headers
                .split(';')
                .filter_map(|field| field.split_once('='))
                .map(|(name, value)| (HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value")))
                .collect();
            let bytes: Vec<u8> = (0..message.len()).step_by(2).map(|at| u8::from_str_radix(&message[at..at + 2], 16).expect("hexadecimal")).collect();
            let mut framed = vec![0];
            framed.extend((bytes.len() as u32).to_be_bytes());
            framed.extend(bytes);
            (path.to_owned(), Answer { headers, message: framed.into() })
        })
        .collect()
}

async fn answer(answers: Rc<HashMap<String, Answer>>, request: Request<Incoming>) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let Answer { headers, message } = &answers[head.uri.path()];
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [Frame::data(message.clone()), Frame::trailers(trailers)];
    let mut response = Response::new(StreamBody::new(Frames(frames.into_iter())));
    *response.headers_mut() = headers.clone();
    Ok(response)
}

/// Frames that are all there.
struct Frames(std::array::IntoIter<Frame<Bytes>, 2>);

impl Unpin for Frames {}

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(mut self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(Ok))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let answers = Rc::new(answers());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{{\"grpcPort\":{}}}", listener.local_addr().expect("an address").port());
    tokio::task::LocalSet::new()
        .run_until(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                let answers = answers.clone();
                let service = service_fn(move |request| answer(answers.clone(), request));
                tokio::task::spawn_local(async move {
                    let _ = http2::Builder::new(LocalExecutor).timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        })
        .await;
}
