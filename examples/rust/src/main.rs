//! A web server in nothing but Rust's own library: a thread for each request.

use std::env;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn main() -> Result<()> {
    let port = env_or("PORT", "5000");
    let listener = TcpListener::bind(format!("0.0.0.0:{port}"))?;
    for client in listener.incoming().flatten() {
        thread::spawn(move || answer(client));
    }
    Ok(())
}

fn answer(mut client: TcpStream) -> Result<()> {
    let mut lines = BufReader::new(&client).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    println!("{request}");
    let text = format!(
        "Hello from {}, release {}, in Rust.\n",
        env_or("PORTSIDE_APP", "your app"),
        env_or("RELEASE_VERSION", "your laptop"),
    );
    let body = if request.starts_with("HEAD ") { "" } else { &text };
    write!(
        client,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        text.len(),
    )
}

fn env_or(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.to_string())
}
