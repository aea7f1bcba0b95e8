//! The usage endpoint over real sockets on this machine.

#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stampede;
