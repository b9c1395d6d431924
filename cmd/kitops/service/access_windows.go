package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// accessOf says who may do what with a folder of the service, and with what is in it: the system
// and administrators all, the service what it has to, others nothing. It is administrators': an
// owner could change that.
func accessOf(rights string) string {
	return "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;" + rights + ";;;" + sidOf(windowsName) + ")"
}

// What the service may do in its folders, in the words of Windows.
const (
	mayRead   = "FRFX"
	mayChange = "FA"
)

// allow makes a folder the service's to read or to change, and nobody else's but administrators'.
func allow(dir, rights string) error {
	if err := notPlanted(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	descriptor, err := windows.SecurityDescriptorFromString(accessOf(rights))
	if err != nil {
		return fmt.Errorf("access to %s: %w", dir, err)
	}
	list, _, err := descriptor.DACL()
	owner, _, err2 := descriptor.Owner()
	if err = errors.Join(err, err2); err == nil {
		const parts = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
		err = windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, parts, owner, nil, list, nil)
	}
	if err != nil {
		return fmt.Errorf("access to %s: %w", dir, err)
	}
	return nil
}

// notPlanted refuses a folder that somebody else has made before, and what may be in it: every
// user may make one in ProgramData, with a task file, or a link to elsewhere.
func notPlanted(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	descriptor, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("owner of %s: %w", dir, err)
	}
	owner, _, err := descriptor.Owner()
	if err != nil {
		return fmt.Errorf("owner of %s: %w", dir, err)
	}
	if info.IsDir() && (owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) || owner.IsWellKnown(windows.WinLocalSystemSid)) {
		return nil
	}
	return settings.Mistake("%s is there already, and administrators have not made it: look at what is in it, and move it away", dir)
}
