//go:build unix

package git

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestVerifyForwardOnly has signed revisions follow each other, go back and aside.
func TestVerifyForwardOnly(t *testing.T) {
	t.Parallel()
	r, dir := gittest.New(t), t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sign := func() string {
		r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "--allow-empty", "-S", "-m", "signed")
		return r.SHA("HEAD")
	}
	r.Commit(map[string]string{"a": "1"})
	first := sign()
	r.Git("commit", "-q", "--allow-empty", "-m", "between")
	unsigned := r.SHA("HEAD")
	second := sign()
	r.Git("checkout", "-q", "-b", "aside", first)
	r.Git("commit", "-q", "--allow-empty", "-m", "other")
	aside := sign()
	r.Git("push", "-q", "origin", "main", "aside")
	r.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "tag", "-s", "-m", "tagged", "v1", unsigned)
	r.Git("tag", "light", second)
	r.PushTags()
	k := KeyFiles{AllowedSigners: gittest.Write(t, filepath.Join(dir, "allowed"), "anna "+publicKey(t, key)+"\n")}
	for what, m := range map[string]*Mirror{"http": overHTTP(t, r), "here": mirrorOf(t, r.Dir)} {
		tellsSigners(t, what, m, k, map[refs.Revision]string{
			{Ref: "refs/heads/main", SHA: second}: "", {Ref: "refs/tags/v1", SHA: r.SHA("v1")}: "",
			{Ref: "refs/heads/main", SHA: unsigned}: "not signed by one of allowed: not signed", {Ref: "refs/tags/light", SHA: second}: "light is a lightweight tag",
			{Ref: "refs/tags/v2", SHA: r.SHA("v1")}: `calls itself "v1"`,
		})
		tag := refs.Revision{Ref: "refs/tags/v1", SHA: r.SHA("v1")}
		if signer, err := m.Verify(t.Context(), tag, first, k, Options{}); err != nil || signer.Commit != unsigned {
			t.Errorf("%s: a signed tag of what is not: %+v %v", what, signer, err)
		}
		tag.Ref = "refs/tags/v2"
		if _, err := m.Verify(t.Context(), tag, first, k, Options{}); err == nil || !strings.Contains(err.Error(), `calls itself "v1"`) {
			t.Errorf("%s: a tag pushed under another name: %v", what, err)
		}
		var refused *UnsignedError
		if _, err := m.Verify(t.Context(), refs.Revision{Ref: "refs/tags/light", SHA: second}, first, k, Options{}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "light is a lightweight tag") {
			t.Errorf("%s: a lightweight tag of a signed commit: %v", what, err)
		}
		for _, of := range []struct{ sha, since, says string }{
			{first, "", ""},
			{second, first, ""},
			{second, second, ""},
			{unsigned, first, "not signed by one of allowed: not signed"},
			{first, second, "does not descend from " + second[:7]},
			{aside, second, "does not descend from " + second[:7]},
			{aside, "", ""},
		} {
			signer, err := m.Verify(t.Context(), refs.Revision{Ref: "refs/heads/x", SHA: of.sha}, of.since, k, Options{})
			var refused *UnsignedError
			switch {
			case of.says == "" && (err != nil || signer.Name != "anna" || signer.Commit != of.sha):
				t.Errorf("%s: %s since %s: %+v %v", what, of.sha, of.since, signer, err)
			case of.says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), of.says) || refused.Keys != k.Digest()):
				t.Errorf("%s: %s since %s: %+v %v", what, of.sha, of.since, signer, err)
			}
		}
	}
}

// tellsSigners asks who signed revisions, of each of which there is a refusal, and finds that nothing of them is kept.
func tellsSigners(t *testing.T, what string, m *Mirror, k KeyFiles, revisions map[refs.Revision]string) {
	t.Helper()
	m.Dir = filepath.Join(filepath.Dir(m.Dir), "not", "yet")
	for rev, says := range revisions {
		by, err := m.SignerOf(t.Context(), rev, k)
		var refused *UnsignedError
		if says == "" && (err != nil || by.Name != "anna" || !strings.HasPrefix(by.Key, "SHA256:")) ||
			says != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: who signed %v: %+v %v", what, rev, by, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(m.Dir), "*")); err != nil || len(left) > 0 {
		t.Errorf("%s: left behind: %v %v", what, left, err)
	}
}

// publicKey is the line of a key that ssh-keygen made.
func publicKey(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("ssh-keygen", "-y", "-f", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
