package apptest

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// webFlow is the key by which GitHub signs what is committed on its web pages, and what it is published as.
type webFlow struct {
	key    *openpgp.Entity
	public []byte
}

func newWebFlow() (*webFlow, error) {
	key, err := openpgp.NewEntity("GitHub", "", "noreply@github.com", nil)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	block, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		return nil, err
	}
	if err := key.Serialize(block); err != nil {
		return nil, err
	}
	err = block.Close()
	return &webFlow{key, text.Bytes()}, err
}

// signsWeb is the key at this time, with the lock held.
func (g *GitHub) signsWeb() (*webFlow, error) {
	if g.webFlow == nil {
		made, err := newWebFlow()
		if err != nil {
			return nil, fmt.Errorf("make the key of web-flow: %w", err)
		}
		g.webFlow = made
	}
	return g.webFlow, nil
}

// RenewWebFlow gives GitHub another key for what is committed on its web pages.
func (g *GitHub) RenewWebFlow() {
	g.change(func() error {
		g.webFlow = nil
		return nil
	})
}

// getWebFlow is the page that publishes the key, https://github.com/web-flow.gpg.
func (g *GitHub) getWebFlow(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	flow, err := g.signsWeb()
	g.mu.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(flow.public)
}

// Edit commits files onto a branch as somebody who edits them on GitHub's web pages, or merges there: GitHub is the committer
// and signs. It returns the commit's SHA.
func (r *Repository) Edit(branch string, files map[string]string) string {
	ref := plumbing.NewBranchReferenceName(branch)
	var sha string
	r.g.change(func() error {
		before, err := r.snapshot()
		if err != nil {
			return err
		}
		if before.git == nil {
			return fmt.Errorf("edit %s: it lives in memory", r.fullName())
		}
		c, old := committing{before.git}, before.refs[ref.String()]
		message := fmt.Sprintf("Update %s at %s\n", branch, r.g.Now().UTC().Format(time.RFC3339Nano))
		plain, err := c.commit(ref.String(), old, message, r.g.Now(), files)
		if err != nil {
			return fmt.Errorf("edit %s: %w", r.fullName(), err)
		}
		signed, err := r.g.sign(c, plumbing.NewHash(plain))
		if err != nil {
			return fmt.Errorf("sign an edit of %s: %w", r.fullName(), err)
		}
		if err := c.Storer.SetReference(plumbing.NewHashReference(ref, signed)); err != nil {
			return err
		}
		sha, r.pushed = signed.String(), r.g.Now()
		r.moved(ref.String(), old, sha, r.owner)
		r.openSuites(branch, sha)
		return r.remember()
	})
	return sha
}

// sign makes the same commit once more, with GitHub as its committer and its signature.
func (g *GitHub) sign(c committing, plain plumbing.Hash) (plumbing.Hash, error) {
	flow, err := g.signsWeb()
	if err != nil {
		return plain, err
	}
	commit, err := c.CommitObject(plain)
	if err != nil {
		return plain, err
	}
	commit.Committer = object.Signature{Name: "GitHub", Email: "noreply@github.com", When: commit.Committer.When}
	payload := &plumbing.MemoryObject{}
	if err := commit.EncodeWithoutSignature(payload); err != nil {
		return plain, err
	}
	content, err := payload.Reader()
	if err != nil {
		return plain, err
	}
	var signature bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&signature, flow.key, content, nil); err != nil {
		return plain, err
	}
	commit.PGPSignature = signature.String() + "\n"
	return c.store(commit.Encode)
}
