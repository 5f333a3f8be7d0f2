//! The last word where a mapped file loses its pages: SIGBUS ends the process with a paragraph and status 2 instead of in silence.
//!
//! A system signals a read of mapped pages that the file no longer has: it was shortened, or its disk or network failed. The handler
//! looks for the address in a list of mapped ranges, each with its message ready. It calls nothing but `write`, `_exit`, `sigaction` and
//! `raise`, reads nothing but atomics, and locks nothing. The list only grows: its nodes are used again and never freed.
//! Where there are no such signals (Windows keeps mapped files whole) nothing is compiled but empty functions.

use std::path::Path;

/// Installs the handler for the rest of the process; a fault elsewhere goes on to the handler that was there before.
///
/// Programs call it once at their start; a library leaves signals to its program.
pub fn install() {
    #[cfg(unix)]
    handler::install();
}

/// Watches over a mapped range while it lives.
#[derive(Debug)]
pub(super) struct Watched {
    #[cfg(unix)]
    node: &'static handler::Node,
}

impl Watched {
    /// Notes that the file `path` is mapped at `range`.
    pub fn new(range: &[u8], path: &Path) -> Watched {
        #[cfg(unix)]
        return Watched { node: handler::note(range, path) };
        #[cfg(not(unix))]
        {
            let _ = (range, path);
            Watched {}
        }
    }
}

#[cfg(unix)]
impl Drop for Watched {
    fn drop(&mut self) {
        handler::forget(self.node);
    }
}

#[cfg(unix)]
mod handler {
    use std::ffi::{c_int, c_void};
    use std::path::Path;
    use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicUsize, Ordering::SeqCst};
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// Longer messages lose the middle of their path.
    const TEXT_BYTES: usize = 640;
    const LONGEST_PATH: usize = 240;
    /// As for every other unusable input.
    const STATUS: c_int = 2;

    /// One mapped range. A range of no bytes is free.
    #[derive(Debug)]
    pub struct Node {
        start: AtomicUsize,
        end: AtomicUsize,
        text: [AtomicU8; TEXT_BYTES],
        text_len: AtomicUsize,
        next: AtomicPtr<Node>,
    }

    static FIRST: AtomicPtr<Node> = AtomicPtr::new(std::ptr::null_mut());
    static FREE: Mutex<Vec<&'static Node>> = Mutex::new(Vec::new());
    static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

    fn message(path: &Path) -> String {
        let name = path.display().to_string();
        let name = match name.char_indices().nth(LONGEST_PATH) {
            Some(_) => {
                let end: String = name.chars().rev().take(LONGEST_PATH / 2).collect();
                let start: String = name.chars().take(LONGEST_PATH / 2).collect();
                format!("{start}…{}", end.chars().rev().collect::<String>())
            }
            None => name,
        };
        format!(
            "error: {name}: was shortened or rewritten while it was read, or its disk or network failed; start again when nothing writes \
             to it, or read without memory maps (--no-mmap or MELTCORE_MMAP=off)\n"
        )
    }

    /// Takes a free node, or makes one.
    pub fn note(range: &[u8], path: &Path) -> &'static Node {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let node = free.unwrap_or_else(|| {
            let node: &'static Node = Box::leak(Box::new(Node {
                start: AtomicUsize::new(0),
                end: AtomicUsize::new(0),
                text: [const { AtomicU8::new(0) }; TEXT_BYTES],
                text_len: AtomicUsize::new(0),
                next: AtomicPtr::new(std::ptr::null_mut()),
            }));
            let pointer = std::ptr::from_ref(node).cast_mut();
            let mut first = FIRST.load(SeqCst);
            loop {
                node.next.store(first, SeqCst);
                match FIRST.compare_exchange(first, pointer, SeqCst, SeqCst) {
                    Ok(_) => break node,
                    Err(now) => first = now,
                }
            }
        });
        let message = message(path);
        let bytes = &message.as_bytes()[..message.len().min(TEXT_BYTES)];
        node.text.iter().zip(bytes).for_each(|(to, from)| to.store(*from, SeqCst));
        node.text_len.store(bytes.len(), SeqCst);
        let start = range.as_ptr() as usize;
        node.start.store(start, SeqCst);
        node.end.store(start + range.len(), SeqCst);
        node
    }

    /// Frees a node whose range is no longer mapped.
    pub fn forget(node: &'static Node) {
        node.end.store(0, SeqCst);
        node.start.store(0, SeqCst);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(node);
    }

    pub fn install() {
        BEFORE.get_or_init(|| {
            // SAFETY: plain data, for which zeros are valid; both calls get pointers to values that outlive them, and a handler that
            // keeps to what a handler may do. SA_ONSTACK runs it on the stack that Rust sets up for overflows.
            unsafe {
                let mut before: libc::sigaction = std::mem::zeroed();
                libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut before);
                let mut ours: libc::sigaction = std::mem::zeroed();
                ours.sa_sigaction = on_fault as *const () as usize;
                ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigemptyset(&mut ours.sa_mask);
                libc::sigaction(libc::SIGBUS, &ours, std::ptr::null_mut());
                before
            }
        });
    }

    extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the system gives a valid pointer with SA_SIGINFO.
        let address = unsafe { (*info).si_addr() } as usize;
        let mut next = FIRST.load(SeqCst);
        // SAFETY: nodes are leaked, so that every pointer in the list stays valid.
        while let Some(node) = unsafe { next.as_ref() } {
            if (node.start.load(SeqCst)..node.end.load(SeqCst)).contains(&address) {
                // SAFETY: atomic bytes have the layout of bytes; nothing changes those of a range that this thread reads from.
                unsafe {
                    libc::write(libc::STDERR_FILENO, node.text.as_ptr().cast(), node.text_len.load(SeqCst));
                    libc::_exit(STATUS);
                }
            }
            next = node.next.load(SeqCst);
        }
        if let Some(before) = BEFORE.get() {
            // SAFETY: gives the signal back to whoever had it; it arrives there when this function returns.
            unsafe {
                libc::sigaction(signal, before, std::ptr::null_mut());
                libc::raise(signal);
            }
        }
    }
}
