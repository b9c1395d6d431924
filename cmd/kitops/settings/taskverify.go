package settings

import (
	"github.com/bittrance/kitops/poller/git"
)

// Verify says whose signature a revision must have.
type Verify struct {
	git.KeyFiles
	Forward bool // a revision must descend from the one that is applied
}

// verify reads the key of that name, and the files that it names.
func (f taskFile) verify(s *section[verifyKeys]) *Verify {
	if !s.given {
		return nil
	}
	keys := &s.keys
	f.require(keys, s.body, "verify")
	v := &Verify{Forward: !keys.Forward.given || keys.Forward.value}
	if keys.SSH.value != "" {
		v.AllowedSigners = f.path(keys.SSH.value)
		f.judge(keys.SSH.node, "ssh_allowed_signers", git.KeyFiles{AllowedSigners: v.AllowedSigners}.Check())
	}
	if keys.PGP.value != "" {
		v.KeyRing = f.path(keys.PGP.value)
		f.judge(keys.PGP.node, "gpg_keys", git.KeyFiles{KeyRing: v.KeyRing}.Check())
	}
	return v
}

// shown is the key as a task file has it.
func (v *Verify) shown() section[verifyKeys] {
	keys := verifyKeys{Forward: boolean{given(), v.Forward}}
	if v.AllowedSigners != "" {
		keys.SSH = text{given(), v.AllowedSigners}
	}
	if v.KeyRing != "" {
		keys.PGP = text{given(), v.KeyRing}
	}
	return section[verifyKeys]{place: given(), keys: keys}
}
