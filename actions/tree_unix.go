//go:build !windows

package actions

import (
	"errors"
	"os"
	"syscall"
)

func sysProcAttr(u *User) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true} // no terminal to be stopped by, or to type into
	if u != nil && os.Geteuid() == 0 {         // else it is ourselves: LookupUser refuses others
		attr.Credential = u.credential()
	}
	return attr
}

func isTextBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }

func isNoExec(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
