//go:build unix

package poller

import "syscall"

const nonblock = syscall.O_NONBLOCK
