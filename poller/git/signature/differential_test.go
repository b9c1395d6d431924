//go:build unix

package signature_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/signature"
)

// signers are keys of ssh-keygen and gpg, and a repository whose commits and tags they sign.
type signers struct {
	*testing.T
	dir  string
	gpg  string // what has git use the keys of dir
	repo *gittest.Repo
}

func newSigners(t *testing.T, options ...string) *signers {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") //nolint:usetesting // a socket of gpg has a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", dir, "--kill", "all").Run()
		_ = os.RemoveAll(dir)
	})
	s := &signers{T: t, dir: dir, repo: gittest.New(t, options...)}
	s.repo.Commit(map[string]string{"a": "1"})
	s.gpg = "gpg.program=" + gittest.Write(t, filepath.Join(dir, "gpg.sh"), "#!/bin/sh\nexec gpg --homedir "+dir+" \"$@\"\n")
	if err := os.Chmod(filepath.Join(dir, "gpg.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *signers) run(name string, args ...string) string {
	s.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "GNUPGHOME="+s.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// key makes one of ssh-keygen, and returns its public line.
func (s *signers) key(name string, args ...string) string {
	s.Helper()
	s.run("ssh-keygen", append([]string{"-q", "-N", "", "-C", name, "-f", name}, args...)...)
	return s.public(name)
}

func (s *signers) public(name string) string {
	s.Helper()
	line, err := os.ReadFile(filepath.Join(s.dir, name+".pub"))
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(string(line))
}

// signed makes a commit and a tag that git signs, and returns their names.
func (s *signers) signed(config ...string) (commit, tag string) {
	s.Helper()
	args := func(more ...string) []string {
		var all []string
		for _, c := range config {
			all = append(all, "-c", c)
		}
		return append(all, more...)
	}
	s.repo.Git(args("commit", "-q", "--allow-empty", "-S", "-m", "Signed\n\nwith a body")...)
	s.repo.Git(args("tag", "-f", "-s", "-m", "A tag", "v1")...)
	return s.repo.SHA("HEAD"), s.repo.SHA("v1")
}

// object reads one as git has it.
func (s *signers) object(sha string) object.Object {
	s.Helper()
	kind, err := object.ParseKind(s.repo.Git("cat-file", "-t", sha))
	if err != nil {
		s.Fatal(err)
	}
	return object.Object{Kind: kind, Data: gittest.RawOutput(s, s.repo.Work, "", "cat-file", kind.String(), sha)}
}

// asGit compares what is said of a commit and a tag with what git says.
func (s *signers) asGit(what string, keys *signature.Keys, commit, tag string, config ...string) {
	s.Helper()
	for verb, sha := range map[string]string{"verify-commit": commit, "verify-tag": tag} {
		var args []string
		for _, c := range config {
			args = append(args, "-c", c)
		}
		cmd := exec.Command("git", append(args, verb, sha)...)
		cmd.Dir, cmd.Env = s.repo.Work, append(os.Environ(), gittest.Environ()...)
		out, bad := cmd.CombinedOutput()
		signer, err := keys.Verify(s.object(sha), "v1", time.Now())
		if (err == nil) != (bad == nil) {
			s.Errorf("%s: %s: %q %v, git: %v\n%s", what, verb, signer, err, bad, out)
		}
		if (err == nil) != (signer.Name != "" && signer.Key != "") {
			s.Errorf("%s: %s: %q %v", what, verb, signer, err)
		}
	}
}

// TestSSHSignaturesAsGit goes through files of allowed signers and kinds of keys.
func TestSSHSignaturesAsGit(t *testing.T) {
	s := newSigners(t)
	keys := map[string]string{"ed": s.key("ed", "-t", "ed25519"), "ec": s.key("ec", "-t", "ecdsa"), "rsa": s.key("rsa", "-t", "rsa", "-b", "2048"), "ca": s.key("ca", "-t", "ed25519")}
	s.key("cert", "-t", "ed25519")
	s.run("ssh-keygen", "-q", "-s", "ca", "-I", "id", "-n", "eve@example.org,anna@example.com", "cert.pub")
	s.key("old", "-t", "ed25519")
	s.run("ssh-keygen", "-q", "-s", "ca", "-I", "id", "-n", "anna@example.com", "-V", "20200101:20210101", "old.pub")
	allowed := map[string]string{
		"plain":              "anna@example.com " + keys["ed"],
		"all kinds":          "# people\n\nanna@example.com " + keys["ed"] + "\nb@example.com " + keys["ec"] + " comment\nc " + keys["rsa"],
		"pattern":            "*@example.com,!eve@example.com " + keys["ed"],
		"quoted":             `"anna@example.com" ` + keys["ec"],
		"for git":            `anna@example.com namespaces="file,git" ` + keys["ed"],
		"for nothing":        `anna@example.com namespaces="file,!git" ` + keys["ed"],
		"quoted blanks":      `anna@example.com namespaces="file of,git",valid-after="20000101" ` + keys["ed"] + " a comment",
		"for any":            `anna@example.com namespaces="g?t" ` + keys["ed"],
		"expired":            `anna@example.com valid-before="20200101" ` + keys["ed"],
		"not yet":            `anna@example.com valid-after="20990101120000" ` + keys["ed"],
		"in time":            `anna@example.com valid-after="20000101",valid-before="209901011200" ` + keys["rsa"],
		"expired, then good": `anna@example.com valid-before="20200101" ` + keys["ed"] + "\nanna@example.com " + keys["ed"],
		"authority":          "*@example.com cert-authority " + keys["ca"],
		"authority of none":  "*@example.net cert-authority " + keys["ca"],
		"authority but hers": "*,!anna@example.com,!eve@example.org cert-authority " + keys["ca"],
		"other authority":    "*@example.com cert-authority " + keys["ed"],
		"authority as a key": "anna@example.com " + keys["ca"],
		"authority late":     `*@example.com cert-authority,valid-before="20200101" ` + keys["ca"],
	}
	signed := map[string][2]string{}
	for _, key := range []string{"ed", "ec", "rsa", "ca", "cert-cert", "old-cert"} {
		commit, tag := s.signed("gpg.format=ssh", "user.signingkey="+filepath.Join(s.dir, key+".pub"))
		signed[key] = [2]string{commit, tag}
	}
	for what, text := range allowed {
		file := gittest.Write(t, filepath.Join(s.dir, "allowed"), text+"\n")
		var k signature.Keys
		if err := k.AddSSH([]byte(text)); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for key, of := range signed {
			if testing.Short() && key != "ed" && key != "cert-cert" {
				continue
			}
			s.asGit(what+", signed by "+key, &k, of[0], of[1], "gpg.ssh.allowedSignersFile="+file)
		}
	}
}

// TestOpenPGPSignaturesAsGit has keys that are known, unknown and expired.
func TestOpenPGPSignaturesAsGit(t *testing.T) {
	s := newSigners(t)
	for _, of := range [][]string{{"anna", "ed25519", "never"}, {"ben", "rsa2048", "never"}, {"carl", "ed25519", "seconds=1"}} {
		s.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", of[0]+" <"+of[0]+"@example.com>", of[1], "sign", of[2])
	}
	var k, none signature.Keys
	if err := k.AddPGP([]byte(s.run("gpg", "--armor", "--export", "anna", "carl") + "\n" + s.run("gpg", "--armor", "--export", "ben"))); err != nil {
		t.Fatal(err)
	}
	signed := map[string][2]string{}
	for _, who := range []string{"anna", "ben"} {
		commit, tag := s.signed("user.signingkey="+who, s.gpg)
		signed[who] = [2]string{commit, tag}
		s.asGit(who, &k, commit, tag, s.gpg)
		if name, err := none.Verify(s.object(commit), "", time.Now()); err == nil || !strings.Contains(err.Error(), "none of the keys") {
			t.Errorf("%s without keys: %q %v", who, name, err)
		}
	}
	name, err := k.Verify(s.object(signed["anna"][0]), "", time.Now())
	if err != nil || !strings.HasPrefix(name.Name, "anna <anna@example.com> ") || !strings.HasSuffix(name.Key, strings.TrimPrefix(name.Name, "anna <anna@example.com> ")) {
		t.Errorf("%q %v", name, err)
	}
	if all := k.Expiring(time.Now(), time.Now().Add(time.Hour)); len(all) != 1 || !strings.Contains(all[0], "carl") {
		t.Errorf("expiring: %q", all)
	}
	if name, err := k.Verify(s.object(signed["ben"][1]), "v9", time.Now()); err == nil || !strings.Contains(err.Error(), `calls itself "v1"`) {
		t.Errorf("a tag with another name: %q %v", name, err)
	}
}
