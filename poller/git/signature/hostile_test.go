package signature

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/object"
)

const (
	head    = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a@example.com> 1 +0000\ncommitter a <a@example.com> 1 +0000\n"
	tagHead = "object 4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype commit\ntag v1\ntagger a <a@example.com> 1 +0000\n"
)

// block is a signature of nothing.
func block(kind string) string {
	return kind + "\n\nAAAA\n" + strings.Replace(kind, "BEGIN", "END", 1) + "\n"
}

func header(name, value string) string {
	return name + " " + strings.ReplaceAll(strings.TrimSuffix(value, "\n"), "\n", "\n ") + "\n"
}

// TestWhatIsRefused goes through objects that nobody's signature may save.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	for what, of := range map[string]struct {
		kind       object.Kind
		data, says string
	}{
		"no signature":          {object.KindCommit, head + "\nmessage\n", "not signed"},
		"only in the message":   {object.KindCommit, head + "\n" + header("gpgsig", block(beginSSH)), "not signed"},
		"two":                   {object.KindCommit, head + header("gpgsig", block(beginSSH)) + header("gpgsig", block(beginSSH)) + "\nm\n", "more than one"},
		"two formats":           {object.KindCommit, head + header("gpgsig", block(beginSSH)) + header("gpgsig-sha256", block(beginPGP)) + "\nm\n", "more than one"},
		"two in one":            {object.KindCommit, head + header("gpgsig", block(beginSSH)+block(beginSSH)) + "\nm\n", "more than one"},
		"two kinds in one":      {object.KindCommit, head + header("gpgsig", block(beginPGP)+block(beginSSH)) + "\nm\n", "more than one"},
		"something before it":   {object.KindCommit, head + header("gpgsig", "x\n"+block(beginPGP)) + "\nm\n", "no kind that is supported"},
		"something behind it":   {object.KindCommit, head + header("gpgsig", block(beginPGP)+"x\n") + "\nm\n", "more than one"},
		"of the other format":   {object.KindCommit, head + header("gpgsig-sha256", block(beginSSH)) + "\nm\n", "of the other format"},
		"of SHA-1 in SHA-256":   {object.KindCommit, strings.Replace(head, "tree ", "tree 123456789012345678901234", 1) + header("gpgsig", block(beginSSH)) + "\nm\n", "of the other format"},
		"x509":                  {object.KindCommit, head + header("gpgsig", block(beginX509)) + "\nm\n", "x509, which is not supported"},
		"damaged":               {object.KindCommit, head + header("gpgsig", block(beginSSH)) + "\nm\n", "damaged"},
		"a tag without":         {object.KindTag, tagHead + "\nmessage\n", "not signed"},
		"a tag with two":        {object.KindTag, tagHead + "\nmessage\n" + block(beginSSH) + block(beginPGP), "more than one"},
		"a tag with a header":   {object.KindTag, tagHead + header("gpgsig-sha256", block(beginPGP)) + "\nmessage\n", "is a header"},
		"a tag with two names":  {object.KindTag, tagHead + "tag v2\n\nmessage\n" + block(beginSSH), "two names"},
		"a tag of another name": {object.KindTag, strings.Replace(tagHead, "v1", "v2", 1) + "\nmessage\n" + block(beginSSH), `calls itself "v2", not "v1"`},
		"nothing":               {object.KindCommit, "", "not signed"},
	} {
		var k Keys
		name, err := k.Verify(object.Object{Kind: of.kind, Data: []byte(of.data)}, "v1", time.Now())
		if err == nil || name != (Signer{}) || !strings.Contains(err.Error(), of.says) {
			t.Errorf("%s: %q %v", what, name, err)
		}
	}
}

// TestAllowedSignersMistakes goes through files that are none.
func TestAllowedSignersMistakes(t *testing.T) {
	t.Parallel()
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	for line, says := range map[string]string{
		"":                                   "names no signer",
		"anna":                               "line 1: ",
		"anna " + key[:20]:                   "line 1: ",
		"anna ssh-rsa " + key[12:]:           "is of type ssh-ed25519",
		"anna colour=\"red\" " + key:         "not understood",
		"anna namespaces " + key:             "not understood",
		"anna valid-before=\"soon\" " + key:  "is no time",
		"anna namespaces=\"git " + key:       "not closed",
		"\n\nanna cert-authority,," + key:    "line 3: ",
		"anna cert-authority=\"yes\" " + key: "not understood",
	} {
		var k Keys
		if err := k.AddSSH([]byte(line)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// FuzzVerify has foreign commits, tags and key files do no harm.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(head+header("gpgsig", block(beginSSH))+"\nm\n"), false)
	f.Add([]byte(head+header("gpgsig", block(beginPGP))+"\nm\n"), false)
	f.Add([]byte(tagHead+"\nmessage\n"+block(beginSSH)), true)
	f.Add([]byte("anna namespaces=\"git\",valid-after=\"20200101\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"), false)
	f.Fuzz(func(t *testing.T, data []byte, tag bool) {
		var k Keys
		_ = k.AddSSH(data)
		_ = k.AddPGP(data)
		o := object.Object{Kind: object.KindCommit, Data: data}
		if tag {
			o.Kind = object.KindTag
		}
		var known Keys
		if name, err := known.Verify(o, "v1", time.Now()); err == nil {
			t.Errorf("signed by %q, and nobody's signature counts", name)
		}
	})
}
