package webhook

import (
	"path/filepath"
	"strings"
	"testing"

	hidden "github.com/bittrance/kitops/poller/secret"
)

func TestSignatures(t *testing.T) {
	s := newSecrets(t)
	good := sign(secret, "body")
	for header, ok := range map[string]bool{
		good:                                    true,
		strings.Replace(good, "=", "=0", 1):     false,
		good[:len(good)-1]:                      false,
		good + " ":                              false,
		"sha1=" + good[7:]:                      false,
		good[7:]:                                false,
		"":                                      false,
		"sha256=":                               false,
		"sha256=" + strings.Repeat("x", 64):     false,
		"sha256=" + strings.Repeat("0", 64):     false,
		sign("another secret entirely", "body"): false,
		sign("", "body"):                        false,
	} {
		want(t, header, s.Verify(header, []byte("body")), ok)
	}
	want(t, "another body", s.Verify(good, []byte("Body")), false)
}

func TestSecretsRotate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secrets")
	write(t, file, "\n"+secret+"\r\n  \nthe next secret of this App")
	s, err := ReadSecrets(file, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{secret, "the next secret of this App"} {
		want(t, known, s.Verify(sign(known, "body"), []byte("body")), true)
	}
	replace(t, file, "the secret after those two\n")
	want(t, "a new one", s.Verify(sign("the secret after those two", "body"), []byte("body")), true)
	want(t, "a retired one", s.Verify(sign(secret, "body"), []byte("body")), false)
	for _, broken := range []string{"", "\n \n"} {
		replace(t, file, broken)
		want(t, "after an empty file", s.Verify(sign("the secret after those two", "body"), []byte("body")), true)
		want(t, "an empty secret", s.Verify(sign("", "body"), []byte("body")), false)
	}
}

func TestSecretsThatAreNone(t *testing.T) {
	dir := t.TempDir()
	empty, large := filepath.Join(dir, "empty"), filepath.Join(dir, "large")
	write(t, empty, "\n\r\n  \n")
	write(t, large, strings.Repeat("x", maxSecretsFile+1))
	for _, file := range []string{empty, large, filepath.Join(dir, "missing"), dir} {
		if _, err := ReadSecrets(file, quiet()); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := LiteralSecrets(hidden.Text{}, quiet()); err == nil {
		t.Error("an empty secret is taken")
	}
	var log logbook
	if _, err := LiteralSecrets(hidden.New("short"), log.logger()); err != nil || !strings.Contains(log.String(), "level=WARN") || strings.Contains(log.String(), `"short"`) {
		t.Errorf("%v, %s", err, log.String())
	}
}

func FuzzSignature(f *testing.F) {
	s := newSecrets(f)
	f.Add(sign(secret, "body"), []byte("body"))
	f.Add("sha1=00", []byte(""))
	f.Add("sha256="+strings.Repeat("F", 64), []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if got, real := s.Verify(header, body), strings.EqualFold(header, sign(secret, string(body))) && strings.HasPrefix(header, "sha256="); got != real {
			t.Errorf("%q is taken for %v", header, got)
		}
	})
}
