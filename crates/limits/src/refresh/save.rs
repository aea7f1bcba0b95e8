//! Putting a successor into the credential file, at once or after a kill.
//!
//! Both ways are the same: the file is read anew, and the successor goes into what stands there now, if that is still
//! the credential that was spent. Must not: write over a credential that came later, or over a logout.

use std::io;
use std::path::PathBuf;

use super::credential::{Credential, Lack, Successor};
use super::intent::{Spent, remove, sync_folder, write_new};
use super::notes::CameTo;
use super::{Run, Step};
use crate::credentials::{FILE, read_file};

/// What became of something that a killed process had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// There was nothing.
    Nothing,
    /// The successor was on disk, and is in the credential file now.
    Saved,
    /// The successor was in the credential file already.
    Stored,
    /// The user logged in or out since, so it counts no more.
    Superseded,
    /// The credential file was damaged, and is as it was before.
    Restored,
    /// The service may have been asked, and its answer is lost. After the usual pause one more question tells.
    Unanswered,
    /// The credential file is damaged while Claude Code is running, which may be writing it.
    Waiting,
}

impl Run<'_, '_> {
    /// Under the locks. Ends what was begun, if anything.
    pub(super) fn recover(&self) -> io::Result<Recovery> {
        if !self.intent.exists() {
            return Ok(Recovery::Nothing);
        }
        let left = self.intent.read();
        let Some(spent) = left.spent else {
            // Nothing is asked before the intent is whole.
            self.forget()?;
            return Ok(Recovery::Nothing);
        };
        if let Some(successor) = &left.successor {
            let recovery = self.save(&spent, successor, left.previous.as_ref())?;
            if matches!(recovery, Recovery::Saved | Recovery::Stored) {
                self.tell(&spent, CameTo::Recovered);
            }
            return Ok(recovery);
        }
        match self.read() {
            Ok(now) if spent.is(&now) => {
                self.notes.put(spent.refresh, CameTo::Unanswered, spent.at_ms.min(self.now_ms()))?;
                self.forget()?;
                Ok(Recovery::Unanswered)
            }
            Err(Lack::Broken) => self.restore(&spent, left.previous.as_ref()),
            Err(Lack::Unreadable) => Err(io::ErrorKind::Other.into()),
            Ok(_) | Err(Lack::Absent | Lack::NotRenewable) => {
                self.forget()?;
                Ok(Recovery::Superseded)
            }
        }
    }

    fn restore(&self, spent: &Spent, previous: Option<&Credential>) -> io::Result<Recovery> {
        if (self.parts.live_session)() {
            return Ok(Recovery::Waiting);
        }
        if let Some(previous) = previous {
            self.replace(&previous.text)?;
        }
        self.notes.put(spent.refresh, CameTo::Unanswered, spent.at_ms.min(self.now_ms()))?;
        self.forget()?;
        Ok(if previous.is_some() { Recovery::Restored } else { Recovery::Superseded })
    }

    /// Puts the successor where it belongs, and ends the intent once it is there.
    pub(super) fn save(
        &self,
        spent: &Spent,
        successor: &Successor,
        previous: Option<&Credential>,
    ) -> io::Result<Recovery> {
        let now = self.read();
        let base = match (&now, previous) {
            (Ok(now), _) if now.access == successor.access.fingerprint() => {
                return self.done(Recovery::Stored);
            }
            (Ok(now), _) if spent.is(now) => now,
            (Ok(_) | Err(Lack::Absent | Lack::NotRenewable), _) => return self.done(Recovery::Superseded),
            (Err(Lack::Broken), _) if (self.parts.live_session)() => return Ok(Recovery::Waiting),
            (Err(Lack::Broken), Some(previous)) => previous,
            (Err(_), _) => return Err(io::ErrorKind::InvalidData.into()),
        };
        let text = base.with(successor).ok_or(io::ErrorKind::InvalidData)?;
        self.replace(&text)?;
        self.done(Recovery::Saved)
    }

    fn done(&self, recovery: Recovery) -> io::Result<Recovery> {
        remove(&self.temporary())?;
        self.intent.end(|| (self.parts.step)(Step::PreviousGone))?;
        (self.parts.step)(Step::IntentGone);
        Ok(recovery)
    }

    /// Nothing is left to end: no answer came.
    pub(super) fn forget(&self) -> io::Result<()> {
        remove(&self.temporary())?;
        self.intent.end(|| ())
    }

    /// The credential's folder can be written.
    pub(super) fn try_folder(&self) -> io::Result<()> {
        write_new(&self.temporary(), b"")?;
        remove(&self.temporary())
    }

    fn temporary(&self) -> PathBuf {
        self.file.with_file_name(format!("{FILE}.cco-new"))
    }

    /// The new credential file, whole or not at all, and read back.
    fn replace(&self, text: &str) -> io::Result<()> {
        let temporary = self.temporary();
        write_new(&temporary, text.as_bytes())?;
        (self.parts.step)(Step::Written);
        std::fs::rename(&temporary, &self.file)?;
        (self.parts.step)(Step::Renamed);
        sync_folder(&self.file)?;
        (self.parts.step)(Step::Synced);
        match read_file(&self.file) {
            Ok(content) if content.as_slice() == text.as_bytes() => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
        (self.parts.step)(Step::Verified);
        Ok(())
    }
}
