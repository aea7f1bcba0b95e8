//! The usage endpoint and the token service over real sockets on this machine.

#[cfg(test)]
mod endpoint;
#[cfg(all(test, feature = "planted-bugs"))]
mod planted;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod renewal_crowd;
#[cfg(test)]
mod renewal_damage;
#[cfg(test)]
mod renewal_kill;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stampede;
#[cfg(test)]
mod tokens;
