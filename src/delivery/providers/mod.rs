//! One file each: who carries messages.
