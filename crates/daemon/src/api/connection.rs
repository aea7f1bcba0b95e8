//! Connections: how long each may take for what, and how they end. How many there are is a matter of `places`.
//!
//! Must not: know what is asked on them.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::guard::Peer;
use super::headers;
use super::places::{Place, Places};

/// How many connections there may be, and how long each may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at once.
    pub(super) connections: usize,
    /// Whoever came, or was answered, within this time keeps his place.
    pub(super) settled: Duration,
    /// The head of a connection's first request comes within this time.
    pub(super) head: Duration,
    /// The next one within this; meanwhile its place is anybody's who comes. A browser asks again in seconds, and says
    /// that an answer failed where a connection ends just then.
    pub(super) idle: Duration,
    /// A request is answered within this time, its body among it.
    pub(super) request: Duration,
    /// Whoever hears of events hears something after this time, be it nothing but that all is well.
    pub(super) heartbeat: Duration,
    /// Whoever reads nothing for so long while something waits for him is cut off.
    pub(super) stalled: Duration,
}

impl Bounds {
    /// Those of every daemon.
    pub(super) const USUAL: Self = Self {
        connections: 128,
        settled: Duration::from_millis(10),
        head: Duration::from_secs(5),
        idle: Duration::from_secs(75),
        request: Duration::from_secs(30),
        heartbeat: Duration::from_secs(15),
        stalled: Duration::from_secs(15),
    };
}

/// Of those beyond, so many at once are told that there are too many; others are closed without a word.
const REFUSALS: usize = 32;
/// Bytes of a request's head. Of more than these hyper says 431 by itself, without a body.
const HEAD_BYTES: usize = 16 * 1_024;
/// What goes on when the daemon ends has so long to end.
const LAST: Duration = Duration::from_millis(600);
/// Too many open files, mostly: they will be fewer.
const NO_FILES: Duration = Duration::from_millis(50);

/// What the system keeps for somebody who does not read, in bytes; left to itself it keeps megabytes, and whoever does
/// not read events would be found out only when they are full.
const UNREAD_BYTES: u32 = 64 * 1_024;
/// Connections that wait to be taken on.
const BACKLOG: u32 = 1_024;

/// Listens there. Connections inherit how much may wait in them.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Who ran here before may have left connections behind.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(UNREAD_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until told to stop, then lets requests end for a moment.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    mut stopped: watch::Receiver<bool>,
    stopping: impl FnOnce(),
) {
    let places = Places::new(bounds.connections, bounds.settled);
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut running = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = running.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(NO_FILES).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        if let Some(place) = place_for_one(&places, bounds.settled).await {
            running.spawn(converse((stream, peer), router.clone(), bounds, stopped.clone(), place));
        } else if let Ok(place) = Arc::clone(&refusals).try_acquire_owned() {
            running.spawn(refuse(stream, place));
        }
    }
    drop(listener);
    stopping();
    let all = async { while running.join_next().await.is_some() {} };
    let _ = timeout(LAST, all).await;
    running.shutdown().await;
}

/// A place for whoever comes. Where others have only just come, he waits that long, and is not refused for them.
async fn place_for_one(places: &Arc<Places>, settled: Duration) -> Option<Place> {
    if let Some(place) = places.take() {
        return Some(place);
    }
    if places.are_all_held() {
        return None;
    }
    sleep(settled).await;
    places.take()
}

async fn converse(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    bounds: Bounds,
    mut stopped: watch::Receiver<bool>,
    place: Place,
) {
    let (router, handle) = (TowerToHyperService::new(router), place.handle());
    let (asks, asked) = watch::channel(false);
    let service = service_fn(move |mut request: Request<Incoming>| {
        asks.send_replace(true);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(handle.clone());
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.idle)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, bounds.stalled)), service);
    tokio::pin!(served);
    tokio::select! {
        // Whoever breaks off, is too slow or sends no HTTP is not worth a word.
        _ = served.as_mut() => return,
        () = place.lost() => return,
        () = asks_nothing(asked, bounds.head) => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// Waits until it is clear that nobody asks anything in time.
async fn asks_nothing(mut asked: watch::Receiver<bool>, patience: Duration) {
    if timeout(patience, asked.wait_for(|asked| *asked)).await.is_ok() {
        std::future::pending::<()>().await;
    }
}

/// Says that there are too many, and closes.
async fn refuse(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let body = r#"{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"too many connections","hint":"close some, or try again in a moment"}"#;
    let mut answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         connection: close\r\nretry-after: 1\r\ncache-control: no-store\r\n",
        body.len()
    );
    for (name, value) in headers::ALWAYS {
        answer += &format!("{name}: {value}\r\n");
    }
    answer += "\r\n";
    answer += body;
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Closed with something unread, the answer would be lost.
        let mut rest = [0; 1_024];
        while stream.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(Duration::from_secs(1), told).await;
}

/// A stream that gives up on somebody who reads nothing.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    ends: Pin<Box<Sleep>>,
    waits: bool,
}

impl Patient {
    fn new(stream: TcpStream, patience: Duration) -> Self {
        Self { stream, patience, ends: Box::pin(sleep(patience)), waits: false }
    }

    /// What came of writing; an error where it has been waited for too long.
    fn bounded<T>(&mut self, context: &mut Context<'_>, wrote: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.waits = false;
            return wrote;
        }
        if !self.waits {
            self.waits = true;
            let ends = Instant::now() + self.patience;
            self.ends.as_mut().reset(ends);
        }
        ready!(self.ends.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.bounded(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.bounded(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut self.stream).poll_shutdown(context);
        self.bounded(context, closed)
    }
}
