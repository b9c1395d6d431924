package settings

import (
	"github.com/bittrance/kitops/poller/git"
)

// Verify says whose signature a revision must have.
type Verify struct {
	git.KeyFiles
	Web     bool `json:",omitempty"` // GitHub's own signature counts, see git.WebFlow
	Forward bool // a revision must descend from the one that is applied
}

// verify reads the key of that name, and the files that it names.
func (f taskFile) verify(s *section[verifyKeys], t *Task) *Verify {
	if !s.given {
		return nil
	}
	keys := &s.keys
	f.require(keys, s.body, "verify")
	v := &Verify{Web: keys.Web.value, Forward: !keys.Forward.given || keys.Forward.value}
	switch {
	case v.Web && t.Repos == nil && t.URL.Path != "" && git.WebFlowURL(t.URL) == "":
		f.Wrong(keys.Web.node, "web_flow: %s is on this machine, not on GitHub, which would sign", t.URL)
	case !f.common && keys.Web.given && !v.Web && !keys.SSH.given && !keys.PGP.given:
		f.Wrong(keys.Web.node, "web_flow: without it nobody's signature counts: give ssh_allowed_signers or gpg_keys, too")
	}
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
	if v.Web {
		keys.Web = boolean{given(), true}
	}
	return section[verifyKeys]{place: given(), keys: keys}
}
