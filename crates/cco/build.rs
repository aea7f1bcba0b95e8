//! How the program is linked: so that starting it costs little, since a status line starts it a hundred times a day.
//!
//! Measured as whole processes against a plain Rust program (median of 300, in one run): as the compiler links it
//! 1.33, without position independence 1.22 (no relocations to work through), with the unwinder inside as well 1.05
//! (one library less to load). All of it linked statically was 0.98, but names of hosts would be looked up in fewer
//! ways than the system knows, and systems without a static C library could not build it.

#![expect(clippy::disallowed_methods, reason = "what a build is told, it is told by the environment")]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|known| known == value);
    if !(is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu")) {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // The standard library asks for the shared unwinder by name; where the C compiler has it as an archive, a script
    // of that name, found first, leads there.
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    if let (true, Ok(folder)) = (is_native && has_archive(), env::var("OUT_DIR")) {
        let script = Path::new(&folder).join("libgcc_s.so");
        if fs::write(script, "INPUT(-lgcc_eh)\n").is_ok() {
            println!("cargo::rustc-link-search=native={folder}");
        }
    }
}

/// The compiler names the whole path of a file that it has, and the bare name of others.
fn has_archive() -> bool {
    let asked = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    asked.is_ok_and(|answer| String::from_utf8_lossy(&answer.stdout).contains('/'))
}
