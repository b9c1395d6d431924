package object_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/object"
)

func TestTextOfACommit(t *testing.T) {
	head := "tree " + strings.Repeat("1", 40) + "\n"
	got := object.ParseText([]byte(head + "author Anna Ek <anna@example.com> 1760000000 +0200\n" +
		"committer GitHub <noreply@github.com> 1760003600 +0000\ngpgsig -----BEGIN\n author Eve <e@e> 1 +0000\n -----END\n\nadd x\n\nbecause \xff\n"))
	if got.Message != "add x\n\nbecause \uFFFD" || got.Author.Name != "Anna Ek" || got.Author.Email != "anna@example.com" || got.Committer.Name != "GitHub" {
		t.Errorf("%+v", got)
	}
	if when := got.Author.When.Format(time.RFC3339); when != "2025-10-09T10:53:20+02:00" {
		t.Error(when)
	}
	for _, odd := range []string{"", "\n\n", head, head + "author\n\n", head + "author <<>> x y\n\n", head + "author a <b> 99999999999999 +9999\n\nm"} {
		if got := object.ParseText([]byte(odd)); !got.Author.When.IsZero() {
			t.Errorf("%q: %+v", odd, got)
		}
	}
}

func FuzzTextOfACommit(f *testing.F) {
	f.Add([]byte("tree x\nauthor A <a@b> 1760000000 -0730\n\nm"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := object.ParseText(data)
		for _, p := range []object.Person{got.Author, got.Committer} {
			if _, err := p.When.MarshalJSON(); err != nil { // else the payload of a run could not be written
				t.Errorf("%q: %v", data, err)
			}
		}
		if strings.ToValidUTF8(got.Message, "") != got.Message {
			t.Errorf("%q", got.Message)
		}
	})
}
