use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::readers::tests::in_memory;
use crate::setup::Http;

/// Nothing in these tests takes longer.
const LONG: Duration = Duration::from_secs(20);

fn readers() -> Readers {
    Readers::new(Arc::new(|| in_memory(Timestamp::UNIX_EPOCH)), Arc::new(|| Timestamp::UNIX_EPOCH), 1)
}

fn live() -> Live {
    let http = Arc::new(Http {
        zone: TimeZone::UTC,
        hosts: Vec::new(),
        open_reads: false,
        stats: true,
        summary_every: Duration::ZERO,
    });
    Live::new(readers(), Arc::new(|| Timestamp::UNIX_EPOCH), Arc::new(move || Arc::clone(&http)))
}

/// The next sums that somebody hears within this time.
async fn sums(listener: &mut Listener, patience: Duration) -> bool {
    let heard = async {
        while let Ok(text) = listener.next().await {
            if text.windows(9).any(|part| part == b"\"summary\"") {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(patience, heard).await.unwrap_or(false)
}

#[test]
fn sums_that_cannot_be_had_at_once_are_told_without_another_commit() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let live = live();
        let mut listener = live.listen(None).await.expect("there is room");
        assert!(sums(&mut listener, LONG).await);
        // As many ask as may, and are not answered.
        let (lets_go, waiting): (Vec<_>, Vec<_>) = (0..64).map(|_| std::sync::mpsc::channel::<()>()).unzip();
        for go in waiting {
            let readers = live.inner.readers.clone();
            tokio::spawn(async move {
                let _ = readers
                    .ask(move |_| {
                        let _ = go.recv();
                        Ok(())
                    })
                    .await;
            });
        }
        tokio::task::yield_now().await;
        live.inner.counted.notify_one();
        assert!(!sums(&mut listener, Duration::from_millis(50)).await, "nobody can be asked");
        drop(lets_go);
        assert!(sums(&mut listener, LONG).await);
    });
}
