//! The daemon's side of the control socket.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};

use super::way::Way;
use super::{Code, Done, MOST_BYTES, Question, SOCKET, Settled, Status, Wish};
use crate::event::Event;
use crate::lock;
use crate::shared::Shared;

/// Whoever connects says what he wants within this time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the socket; one that a killed daemon left is replaced, since this process holds the lock.
pub(crate) fn bind(state: &Path) -> io::Result<UnixListener> {
    let path = state.join(SOCKET);
    let _ = std::fs::remove_file(&path);
    // The folder is the user's alone, so nobody reaches it before its own rights are set.
    let listener = UnixListener::bind(Way::to(state)?.path())?;
    rustix::fs::chmod(&path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    Ok(listener)
}

/// Takes the socket away.
pub(crate) fn unbind(state: &Path) {
    let _ = std::fs::remove_file(state.join(SOCKET));
}

/// Answers until the daemon ends.
pub(crate) async fn serve(listener: UnixListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let came = tokio::select! {
            came = listener.accept() => came,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match came {
            Ok((stream, _)) if is_ours(&stream) => {
                // Status lines say no more than that they are there.
                shared.is_used();
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
            Ok(_) => {}
            // Too many open files, mostly: they will be fewer.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    let us = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == us)
}

async fn answer(stream: UnixStream, shared: Arc<Shared>) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut bounded = (&mut stream).take(MOST_BYTES as u64);
    if !matches!(tokio::time::timeout(PATIENCE, bounded.read_line(&mut line)).await, Ok(Ok(1..))) {
        return;
    }
    let Ok(Question { wish, roots }) = serde_json::from_str(&line) else { return };
    if let Some(mut answer) = grant(wish, roots, &shared).await {
        answer.push(b'\n');
        let _ = stream.get_mut().write_all(&answer).await;
        let _ = stream.get_mut().shutdown().await;
    }
    if wish == Wish::Stop {
        let _ = shared.events.send(Event::Stop("cco daemon stop".to_owned())).await;
    }
}

async fn grant(wish: Wish, roots: Vec<PathBuf>, shared: &Shared) -> Option<Vec<u8>> {
    fn json(answer: &impl Serialize) -> Option<Vec<u8>> {
        serde_json::to_vec(answer).ok()
    }
    match wish {
        Wish::Status => json(&status(shared)),
        Wish::Settle => json(&settle(&roots, shared).await?),
        Wish::Code => {
            let code = shared.tokens.new_code((shared.clock)());
            json(&Code { code, address: lock::url(shared.address) })
        }
        Wish::Rotate => json(&Done { done: shared.tokens.rotate().is_ok() }),
        Wish::Stop => json(&Done { done: true }),
    }
}

/// Who asks for roots in which it was not looked here looks for himself.
async fn settle(roots: &[PathBuf], shared: &Shared) -> Option<Settled> {
    let (reply, answer) = oneshot::channel();
    shared.events.send(Event::ScanWanted(reply)).await.ok()?;
    let scanned = answer.await.ok()?;
    Some(match scanned {
        Ok(taken) if roots.iter().all(|root| taken.roots.contains(root)) => Settled {
            done: true,
            unread: taken.summary.unread.into_iter().map(|unread| (unread.path, unread.what)).collect(),
        },
        Ok(_) | Err(_) => Settled::default(),
    })
}

fn status(shared: &Shared) -> Status {
    let health = shared.health.borrow();
    let checks = health.checks();
    Status {
        about: shared.about.clone(),
        checks: checks.iter().map(|(name, it)| ((*name).to_owned(), it.is_ok, it.detail.clone())).collect(),
        is_polling: health.is_polling,
    }
}
